import { World, eventOf, gateway, guilds } from './world.fixture';

const next = { id: 'guild-2', incarnation: 'a' };

/** A session in guild 100, and a list by which another guild-node owns the guild now. */
function moved({ isGone = false } = {}) {
  const owners: Record<string, string> = {};
  const world = new World({}, owners);
  const { connection, sessionId } = world.ready();
  world.event(1, { channelId: '5' });
  owners['guild-node:100'] = next.id;
  if (isGone) world.gone.add(`${guilds.id}/${guilds.incarnation}`);
  world.sent.length = 0;
  world.run(world.node.guildOwnersChanged(world.now));
  /** The next owner's answer: guild, class and session as they were at the one before. */
  const arrive = () => {
    const table = { guildId: '100', classId: 9, channelIds: ['5'], permissions: '0', managedChannelIds: [] };
    world.say({ $case: 'classTable', value: table }, next);
    // The owner before tells of a class that means something else at the next one.
    world.classTable(9, ['6']);
    world.subscribed(sessionId, 0, { classId: 9, snapshot: undefined, term: 4 }, next);
  };
  const asks = () => world.run(world.node.tellOwner(next, 'guild-node', world.now));
  /** What was said to guild-nodes since. */
  const said = () =>
    world.sent.flatMap(({ to, message: { $case, value } }) =>
      to.startsWith('guild-') ? [`${$case} ${to} ${'index' in value ? value.index : ''}`.trim()] : [],
    );
  return { world, connection, sessionId, asks, arrive, said };
}

describe('a guild that moves while its owner lives', () => {
  it('is followed where it is until the next owner asks: that one does when the other serves nothing any more', () => {
    const { world, connection, said } = moved();
    world.event(2, { channelId: '5' });
    expect(said()).toEqual(['audienceAck guild-1 2']);
    expect(world.names(connection)).toHaveLength(4);
  });

  it('is taken nothing of from the owner before, once the next one has asked', () => {
    const { world, connection, said, asks, sessionId } = moved();
    asks();
    expect(said()).toEqual(['subscribe guild-2']);
    const followed = {
      kind: 1,
      audienceId: '100',
      owner: 'guild-1',
      ownerIncarnation: 'a',
      term: 1,
      index: 1,
    };
    const again = { sessionId, rejoins: true, wantsSnapshot: false, followed };
    expect(world.told('subscribe').at(-1)).toMatchObject(again);
    world.event(2, { channelId: '5' });
    expect(said()).toEqual(['subscribe guild-2']);
    expect(world.names(connection)).toHaveLength(3);
  });

  it('goes on at the next owner where it was: what was delivered and not acked is recognised when it comes again', () => {
    const { world, connection, asks, arrive } = moved();
    asks();
    arrive();
    world.event(1, { event: eventOf('e1'), channelId: '5' }, next);
    world.event(2, { event: eventOf('e2'), channelId: '5' }, next);
    expect(world.names(connection)).toEqual(['READY', 'GUILD_CREATE', 'MESSAGE_CREATE', 'MESSAGE_CREATE']);
    expect(world.seqs(connection)).toEqual([1, 2, 3, 4]);
  });

  it('is only named to an owner that has it already, by the term in which it has', () => {
    const { world, asks, arrive, said } = moved();
    asks();
    arrive();
    world.sent.length = 0;
    asks();
    expect(said()).toEqual(['audienceHeld guild-2']);
    expect(world.told('audienceHeld')).toEqual([{ kind: 1, audienceId: '100', term: 4 }]);
  });

  it('is subscribed to again at an owner that has lost it and got it back', () => {
    const { world, asks, arrive, said } = moved();
    asks();
    arrive();
    world.sent.length = 0;
    world.say({ $case: 'audienceReset', value: { kind: 1, audienceId: '100', term: 3 } }, next);
    expect(said()).toEqual([]);
    world.say({ $case: 'audienceReset', value: { kind: 1, audienceId: '100', term: 4 } }, next);
    expect(said()).toEqual(['subscribe guild-2']);
  });

  it('is not entered by an answer from before the client was told that it must be told anew', () => {
    const { world, connection, sessionId, asks } = moved();
    asks();
    const table = { guildId: '100', classId: 9, channelIds: ['6'], permissions: '0', managedChannelIds: [] };
    world.say({ $case: 'classTable', value: table }, next);
    for (const index of [0, 0]) world.subscribed(sessionId, index, { classId: 9, snapshot: undefined }, next);
    world.event(1, { event: eventOf('e9'), channelId: '6' }, next);
    expect(world.names(connection).at(-1)).toBe('GUILD_DELETE');
    world.subscribed(sessionId, 1, { classId: 9 }, next);
    expect(world.names(connection).slice(-2)).toEqual(['GUILD_DELETE', 'GUILD_CREATE']);
  });

  it('is asked under another number once what an owner said of it is not kept any more', () => {
    const { world, connection, sessionId, asks } = moved();
    const numbers = () => world.told('subscribe').flatMap(({ kind, view }) => (kind === 1 ? [view] : []));
    asks();
    // The owner before still speaks, of what only the next one may tell.
    world.classTable(9, ['6']);
    asks();
    const [first = 0, second = 0] = numbers();
    expect(second).toBeGreaterThan(first);
    world.subscribed(sessionId, 0, { snapshot: undefined, term: 4 }, next);
    world.sent.length = 0;
    const other = world.identify({ userId: '8' });
    expect(numbers()).toEqual([second]);
    for (const each of [connection, other]) world.drop(each, true);
    world.identify({ userId: '9' });
    expect(numbers().at(-1)).toBeGreaterThan(second);
  });

  describe('and whose next owner was asked before, when it may not have had the guild yet', () => {
    const table = { guildId: '100', classId: 9, channelIds: ['5'], permissions: '0', managedChannelIds: [] };
    /** @param term of the stream that its first answer begins; that to what it was asked last is of term 5 */
    function answered(term: number, events: number) {
      const { world, connection, sessionId, asks, said } = moved();
      asks();
      const first = world.told('subscribe').at(-1)!.view;
      asks();
      const last = world.told('subscribe').at(-1)!.view;
      const answer = (of: number, index: number, view: number) => {
        world.say({ $case: 'classTable', value: table }, next);
        world.subscribed(sessionId, index, { classId: 9, snapshot: undefined, term: of, view }, next);
      };
      world.sent.length = 0;
      answer(term, 40, first);
      for (let index = 41; index <= 40 + events; index++)
        world.event(index, { event: eventOf(`e${index}`), channelId: '5' }, next);
      const before = { said: said(), names: world.names(connection).slice(3) };
      answer(5, term === 5 ? 40 + events : 0, last);
      return { world, connection, said, before };
    }

    it('is not followed in the stream that is over: its events would be those of the other by their index', () => {
      const { world, connection, said, before } = answered(4, 1);
      expect(before).toEqual({ said: [], names: [] });
      world.event(1, { event: eventOf('e9'), channelId: '5' }, next);
      expect(world.names(connection).slice(3)).toEqual(['MESSAGE_CREATE']);
      expect(said()).toEqual(['audienceAck guild-2 1']);
    });

    it('is followed from the first answer on if it is the same stream', () => {
      const { world, connection, said, before } = answered(5, 2);
      expect(before).toEqual({ said: [], names: [] });
      world.event(43, { event: eventOf('e43'), channelId: '5' }, next);
      expect(world.names(connection).slice(3)).toEqual(Array(3).fill('MESSAGE_CREATE'));
      expect(said()).toEqual([41, 42, 43].map((index) => `audienceAck guild-2 ${index}`));
    });

    it('is followed from the first answer of its stream on, behind those of the stream that is over', () => {
      const { world, connection, sessionId, asks, said } = moved();
      const ask = () => (asks(), world.told('subscribe').at(-1)!.view);
      const [first, second, last] = [ask(), ask(), ask()];
      const answer = (index: number, view: number, term: number) => {
        world.say({ $case: 'classTable', value: table }, next);
        world.subscribed(sessionId, index, { classId: 9, snapshot: undefined, term, view }, next);
      };
      world.sent.length = 0;
      answer(40, first, 4);
      world.event(41, { event: eventOf('of the stream before'), channelId: '5' }, next);
      answer(0, second, 5);
      world.event(1, { event: eventOf('e9'), channelId: '5' }, next);
      answer(1, last, 5);
      expect(world.names(connection).slice(3)).toEqual(['MESSAGE_CREATE']);
      expect(said()).toEqual(['audienceAck guild-2 1']);
    });

    it('is followed from there on also when it was asked once more meanwhile', () => {
      const { world, connection, sessionId, asks } = moved();
      const ask = () => (asks(), world.told('subscribe').at(-1)!.view);
      const answer = (index: number, view: number) =>
        world.subscribed(sessionId, index, { classId: 9, snapshot: undefined, term: 5, view }, next);
      const [first, second] = [ask(), ask()];
      world.say({ $case: 'classTable', value: table }, next);
      answer(40, first);
      const last = ask();
      world.event(41, { event: eventOf('e41'), channelId: '5' }, next);
      answer(41, second);
      answer(41, last);
      expect(world.names(connection).slice(3)).toEqual(['MESSAGE_CREATE']);
    });

    it('hears who is refused though others are waited for', () => {
      const { world, connection, sessionId, asks } = moved();
      asks();
      const first = world.told('subscribe').at(-1)!.view;
      asks();
      const last = world.told('subscribe').at(-1)!.view;
      world.subscribed(sessionId, 40, { classId: 9, snapshot: undefined, term: 4, view: first }, next);
      const refusal = { kind: 1, audienceId: '100', sessionId, unavailable: false, delayMs: 0 };
      world.say({ $case: 'subscribeRefused', value: { ...refusal, view: first } }, next);
      expect(world.names(connection).slice(3)).toEqual([]);
      world.say({ $case: 'subscribeRefused', value: { ...refusal, view: last } }, next);
      expect(world.names(connection).slice(3)).toEqual(['GUILD_DELETE']);
      expect(world.node.figures.audiences).toBe(1);
    });

    it('does not wait for answers to what nobody was asked again', () => {
      const { world, asks, arrive, sessionId } = moved();
      asks();
      arrive();
      const other = world.identify({ userId: '8' });
      const { view } = world.told('subscribe').at(-1)!;
      asks();
      world.event(1, { event: eventOf('x', 'GUILD_MEMBER_REMOVE'), endsUserId: '7' }, next);
      world.subscribed(world.connection(other).sessionId, 1, { classId: 9, term: 4, view }, next);
      expect(world.names(other)).toEqual(['READY', 'GUILD_CREATE']);
      expect(sessionId).not.toBe('');
    });

    it('loses those who may miss nothing when more comes than can wait', () => {
      const { world, connection } = answered(5, 1025);
      expect(world.connection(connection).closed).toBe(0);
    });
  });

  it('is subscribed to anew where its owner began with it again, unheard', () => {
    const { world, connection, sessionId, asks, arrive, said } = moved();
    asks();
    arrive();
    world.event(1, { event: eventOf('a1'), channelId: '5' }, next);
    world.sent.length = 0;
    world.subscribed(sessionId, 0, { classId: 9, snapshot: undefined, term: 3 }, next);
    expect(said()).toEqual([]);
    const table = { guildId: '100', classId: 8, channelIds: ['5'], permissions: '0', managedChannelIds: [] };
    world.say({ $case: 'classTable', value: table }, next);
    world.subscribed(sessionId, 0, { classId: 8, snapshot: undefined, term: 6 }, next);
    world.event(1, { event: eventOf('b1'), channelId: '5' }, next);
    world.subscribed(sessionId, 1, { classId: 8, snapshot: undefined, term: 6 }, next);
    expect(said()).toEqual(['subscribe guild-2', 'audienceAck guild-2 1']);
    expect(world.names(connection).slice(3)).toEqual(['MESSAGE_CREATE', 'MESSAGE_CREATE']);
  });

  it('has whom clients take for online said to the next owner, once its stream is followed', () => {
    const { world, asks, arrive, said } = moved();
    const about = (index: number, aboutUserId: string, aboutOffline = false) =>
      world.event(index, { event: eventOf('', 'PRESENCE_UPDATE'), aboutUserId, aboutOffline });
    const again = world.identify({ userId: '8' });
    world.subscribed(
      world.connection(again).sessionId,
      1,
      { sameData: true, shownUserIds: ['1', '2', '3'] },
      guilds,
    );
    about(2, '4');
    about(3, '2', true);
    about(4, '5');
    about(5, '4', true);
    world.event(6, { event: eventOf('e6', 'GUILD_MEMBER_REMOVE'), endsUserId: '3' });
    asks();
    expect(world.told('presencesShown')).toEqual([]);
    arrive();
    expect(world.told('presencesShown')).toEqual([{ guildId: '100', userIds: ['1', '5'] }]);
    expect(said()).toContain('presencesShown guild-2');
    // The owner before that one is gone too.
    asks();
    expect(world.told('presencesShown')).toHaveLength(1);
  });

  it('has whom clients take for online said also when the owner before told that they are not, and nobody here heard it', () => {
    const { world, asks, arrive } = moved();
    world.event(2, { event: eventOf('', 'PRESENCE_UPDATE'), aboutUserId: '4' });
    asks();
    world.event(3, { event: eventOf('', 'PRESENCE_UPDATE'), aboutUserId: '4', aboutOffline: true });
    arrive();
    expect(world.told('presencesShown')).toEqual([{ guildId: '100', userIds: ['4'] }]);
  });

  it('is lost for those who were subscribed when the next owner went on without this node', () => {
    const { world, connection, asks } = moved();
    asks();
    world.say({ $case: 'audienceLost', value: { kind: 1, audienceId: '100' } }, next);
    expect(world.connection(connection).closed).toBe(0);
  });
});

describe('a guild whose owner is off the list', () => {
  it('is asked for at the next one at once', () => {
    const { world, said } = moved({ isGone: true });
    expect(said()).toEqual(['subscribe guild-2']);
    // What the dead one had said is still on its way.
    world.event(2, { channelId: '5' });
    expect(said()).toEqual(['subscribe guild-2']);
  });

  it('is told again to the next one when that one asks, because it may not have been owner yet', () => {
    const { said, asks } = moved({ isGone: true });
    asks();
    expect(said()).toEqual(['subscribe guild-2', 'subscribe guild-2']);
  });

  it('is asked for by a new session at the owner of now', () => {
    const { world, said } = moved({ isGone: true });
    world.sent.length = 0;
    world.identify({ userId: '8' }, gateway);
    expect(said()).toEqual(['subscribe guild-2']);
  });
});

describe('a user', () => {
  const far = { id: 'session-2', incarnation: 'a' };
  const subscribe = (world: World, sessionId: string): void =>
    world.say(
      {
        $case: 'subscribe',
        value: {
          kind: 2,
          audienceId: '7',
          sessionId,
          userId: '7',
          intents: 1,
          largeThreshold: 50,
          wantsSnapshot: false,
          presence: undefined,
          identifying: undefined,
          generation: 1,
          rejoins: false,
          followed: undefined,
          view: 1,
        },
      },
      far,
    );

  it('has no sessions on a node that is off the list, and nobody waits for it', () => {
    const world = new World();
    subscribe(world, 'far-session');
    world.publish(1, { event: eventOf('a', 'X') });
    expect(world.answers.has(1)).toBe(false);
    world.gone.add('session-2/a');
    world.run(world.node.userOwnersChanged(world.now));
    expect(world.answers.get(1)).toEqual({ sessions: 0 });
    expect(world.node.figures.users).toBe(0);
  });

  it('is forgotten by a node that owns it no more, and not known again by its term when it comes back', () => {
    const owners: Record<string, string> = {};
    const world = new World({}, owners);
    subscribe(world, 'far-session');
    const term = world.told('subscribed')[0]?.term ?? 0;
    expect(world.node.holdsTerm({ kind: 2, audienceId: '7', term }, far.id)).toBe(true);
    owners['session-node:7'] = far.id;
    world.run(world.node.userOwnersChanged(world.now));
    expect(world.node.figures.users).toBe(0);
    delete owners['session-node:7'];
    subscribe(world, 'another');
    world.say({ $case: 'audienceHeld', value: { kind: 2, audienceId: '7', term } }, far);
    expect(world.told('audienceReset')).toEqual([{ kind: 2, audienceId: '7', term }]);
  });
});
