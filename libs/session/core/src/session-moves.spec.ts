import fc from 'fast-check';
import { Town } from './town.fixture';
import { eventOf } from './world.fixture';

describe('a session whose key goes to another node', () => {
  it('goes there, and its client notices nothing', () => {
    const town = new Town();
    const client = town.ready();
    town.publish('100', 'a');
    town.settle();
    town.move('7:0', 's2');
    town.settle();
    expect([town.sessions('s1'), town.sessions('s2')]).toEqual([0, 1]);
    town.publish('100', 'b');
    town.publish('200', 'c');
    town.publishToUser('d');
    town.settle();
    expect(town.got(client).sort()).toEqual(['100 a', '100 b', '200 c', 'u d']);
    expect(town.names(client).filter((name) => name === 'READY' || name === 'RESUMED')).toEqual(['READY']);
    expect([...town.acked].sort()).toEqual(['a', 'b', 'c', 'd']);
    town.expectUnbroken(client);
  });

  it('gets each event once and in order, whatever overtakes whatever', () => {
    const turn = fc.oneof(
      { weight: 12, arbitrary: fc.record({ kind: fc.constant('step' as const), pick: fc.nat(1000) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('publish' as const), pick: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('move' as const), pick: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), pick: fc.nat(20) }) },
    );
    fc.assert(
      fc.property(fc.array(turn, { minLength: 20, maxLength: 250 }), (turns) => {
        const town = new Town();
        const clients = [town.ready('7'), town.ready('7'), town.ready('8')];
        const published: string[] = [];
        for (const { kind, pick } of turns) {
          const id = `e${published.length}`;
          if (kind === 'step') town.step(pick);
          else if (kind === 'wait') town.wait(pick);
          else if (kind === 'move') town.move(pick % 2 === 0 ? '7:0' : '7', pick < 2 ? 's1' : 's2');
          else {
            const target = ['100', '200', 'u'][pick]!;
            published.push(`${target} ${id}`);
            if (target === 'u') town.publishToUser(id);
            else town.publish(target, id);
          }
        }
        town.settle(30_000);
        for (const client of clients) {
          const mine = client === clients[2] ? published.filter((text) => !text.startsWith('u')) : published;
          for (const target of ['100', '200', 'u']) {
            const of = (list: string[]) => list.filter((text) => text.startsWith(target));
            expect(of(town.got(client))).toEqual(of(mine));
          }
          town.expectUnbroken(client);
        }
        expect(town.acked.size).toBe(published.length);
        expect(town.waiting).toBe(0);
        const home = town.owners.get('7:0') ?? 's1';
        expect(town.sessions(home === 's2' ? 's2' : 's1')).toBe(home === 's2' ? 2 : 3);
      }),
      { numRuns: 300 },
    );
  });
});

describe('while a session moves', () => {
  /** Session of user 7 on its way to s2, up to the point where its state has left s1 and nothing of it has arrived. */
  function frozen(town: Town): number {
    const client = town.ready();
    town.held = ({ message }) => message.$case === 'replayEvents' || message.$case === 'sessionState';
    town.move('7:0', 's2');
    town.settle();
    return client;
  }
  const release = (town: Town): void => {
    town.held = undefined;
    town.settle();
  };

  it('what is published is acked by both nodes, and comes once', () => {
    const town = new Town();
    const client = frozen(town);
    town.publish('100', 'a');
    town.publishToUser('b');
    town.settle();
    expect([...town.acked].sort()).toEqual(['a', 'b']);
    expect(town.got(client)).toEqual([]);
    release(town);
    expect(town.got(client).sort()).toEqual(['100 a', 'u b']);
    town.expectUnbroken(client);
  });

  it('a resume waits for it, at the new node and at the old one', () => {
    for (const at of ['s1', 's2']) {
      const town = new Town();
      const client = frozen(town);
      town.publish('100', 'a');
      const seq = town.client(client).lastSeq;
      const resumed = town.resume(client, seq, at);
      town.settle();
      expect(town.names(resumed)).toEqual([]);
      release(town);
      expect(town.names(resumed)).toEqual(['MESSAGE_CREATE', 'RESUMED']);
      expect(town.sessions('s2')).toBe(1);
      town.publish('100', 'b');
      town.settle();
      expect(town.got(resumed)).toEqual(['100 a', '100 b']);
    }
  });

  it('what the client says is heard at the new node, and a goodbye ends the session', () => {
    const town = new Town();
    const client = frozen(town);
    town.say(client, (binding) => ({
      $case: 'setPresence',
      value: { ...binding, presence: { status: 'dnd', activities: '[]', client: '' } },
    }));
    town.settle();
    release(town);
    const last = town.presences.at(-1);
    expect(last).toMatchObject({
      from: 's2',
      message: { value: { presence: { status: 'dnd', client: 'web' } } },
    });

    const other = new Town();
    const leaving = frozen(other);
    other.drop(leaving, true);
    other.settle();
    release(other);
    expect([other.sessions('s1'), other.sessions('s2')]).toEqual([0, 0]);
  });

  it('that its connection drops is known at the new node, where it can be resumed', () => {
    const town = new Town();
    const client = frozen(town);
    town.drop(client);
    release(town);
    town.publish('100', 'a');
    town.settle();
    const resumed = town.resume(client, town.client(client).lastSeq);
    town.settle();
    expect(town.names(resumed)).toEqual(['MESSAGE_CREATE', 'RESUMED']);
  });

  it('a connection that its ws-gateway does not hand over is closed, and its client resumes', () => {
    const town = new Town();
    const client = town.ready();
    town.lost = ({ message }) => message.$case === 'connectionReleased';
    town.move('7:0', 's2');
    town.settle(9000);
    expect(town.client(client).closed).toBeUndefined();
    town.settle(3000);
    expect(town.client(client).closed).toBe(4000);
    town.publish('100', 'a');
    town.settle();
    const resumed = town.resume(client, town.client(client).lastSeq);
    town.settle();
    expect(town.names(resumed)).toEqual(['MESSAGE_CREATE', 'RESUMED']);
    expect(town.sessions('s2')).toBe(1);
  });

  it('does not keep a client waiting that resumes before its ws-gateway hands its connection over', () => {
    const town = new Town();
    const client = town.ready();
    town.lost = ({ message }) => message.$case === 'connectionReleased';
    town.move('7:0', 's2');
    town.settle(100);
    town.publish('100', 'a');
    const resumed = town.resume(client, town.client(client).lastSeq);
    town.settle(100);
    expect(town.names(resumed)).toEqual(['MESSAGE_CREATE', 'RESUMED']);
    expect([town.sessions('s1'), town.sessions('s2')]).toEqual([0, 1]);
  });

  it('nobody is told that its user is offline', () => {
    const town = new Town();
    town.ready();
    town.presences.length = 0;
    town.move('7:0', 's2');
    town.settle(60_000);
    const said = town.presences.map(({ from, message }) => `${from} ${message.$case}`);
    expect(said.sort()).toEqual(['s1 presenceMoved', 's2 presenceUpsert']);
  });

  it('who asks its node before how it is seen hears by which hop: the next node is at a later one', () => {
    const hops = (town: Town, from: string): number[] =>
      town.presences.flatMap(({ from: who, message }) =>
        who === from && message.$case === 'presenceUpsert' ? message.value.hop : [],
      );
    const town = new Town();
    frozen(town);
    town.presences.length = 0;
    town.askPresences('s1');
    expect(hops(town, 's1')).toEqual([1]);
    release(town);
    expect(hops(town, 's2')).toEqual([2]);
    // Its next node died, and may have spoken.
    const other = new Town();
    frozen(other);
    other.kill('s2');
    other.held = undefined;
    other.owners.clear();
    other.presences.length = 0;
    other.delist('s2');
    other.settle();
    expect(hops(other, 's1')).toEqual([3]);
  });

  it('its node before says nothing of how it is seen once its state is sent', () => {
    const town = new Town();
    const isAnswer = ({ message, to }: { message: { $case: string; value: unknown }; to: string }): boolean =>
      message.$case === 'subscribed' && to === 's1' && 'audienceId' in (message.value as object);
    town.held = (parcel) => isAnswer(parcel) && JSON.stringify(parcel.message).includes('"audienceId":"200"');
    town.ready();
    town.presences.length = 0;
    const isOver = ({ message }: { message: { $case: string } }): boolean => message.$case === 'sessionMoved';
    const before = town.held;
    town.held = (parcel) => before(parcel) || isOver(parcel);
    town.move('7:0', 's2');
    town.settle();
    town.held = isOver;
    town.settle();
    town.held = undefined;
    town.settle(60_000);
    expect(town.sessions('s2')).toBe(1);
    const upserts = town.presences.filter(({ message }) => message.$case === 'presenceUpsert');
    expect(upserts.map(({ from }) => from)).not.toContain('s1');
    expect(town.presences.some(({ from }) => from === 's2')).toBe(true);
  });

  it('joins and leaves of guilds take effect once', () => {
    for (const delay of [0, 3, 8, 15, 25, 40]) {
      const town = new Town();
      const client = town.ready();
      town.move('7:0', 's2');
      for (let step = 0; step < delay; step++) town.step(step * 7);
      town.publishToUser('j', eventOf('j', 'GUILD_CREATE', '{"id":"300"}'));
      town.publishToUser('l', eventOf('l', 'GUILD_DELETE', '{"id":"200"}'));
      for (let step = 0; step < delay; step++) town.step(step * 5);
      town.settle();
      town.publish('300', 'a');
      town.publish('200', 'b');
      town.settle();
      const created = town.client(client).frames.filter(({ name }) => name === 'GUILD_CREATE');
      expect(created.map(({ text }) => text)).toEqual(['100', '200', '300'].map((id) => `{"id":"${id}"}`));
      expect(town.names(client).filter((name) => name === 'GUILD_DELETE')).toHaveLength(1);
      expect(town.got(client)).toEqual(['300 a']);
      expect([...town.acked].sort()).toEqual(['a', 'b', 'j', 'l']);
      town.expectUnbroken(client);
    }
  });
});
