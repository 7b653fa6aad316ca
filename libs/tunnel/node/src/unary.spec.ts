import { CallError, Code, invalidArgument, unavailable } from '@derailed/shared/kernel';
import { TunnelUnderTest, ask, event, publishWith } from './tunnel.fixture';

let tunnel: TunnelUnderTest;
const publish = (parts: Parameters<typeof event>[0]) => publishWith(tunnel.tunnel(), event(parts));

describe('a unary publish', () => {
  beforeEach(async () => {
    tunnel = await TunnelUnderTest.start();
  });
  afterEach(() => tunnel.dispose());

  it('reaches the owner of its guild as raw text and says how many sessions have it', async () => {
    tunnel.owners.answer = () => 7;
    const guildId = tunnel.ownedBy('b', 'guild-node');
    const data = '{ "channel_id" : 200000000000000001, "content":"€" }';
    const answer = await publish({ id: 'mine', guildId, name: 'MESSAGE_CREATE', data, volatile: true });
    expect(answer).toEqual({ eventId: 'mine', sessions: 7 });
    expect(tunnel.owners.published).toEqual([
      {
        node: 'b',
        value: {
          kind: 1,
          restarts: false,
          audienceIds: [guildId],
          channelId: '200000000000000001',
          event: {
            id: 'mine',
            name: 'MESSAGE_CREATE',
            data: Buffer.from(data),
            own: Buffer.alloc(0),
            volatile: true,
            publishedAt: expect.any(Number) as number,
          },
        },
      },
    ]);
  });

  it('for some members names them in a field of its own, which an older owner does not take for everybody', async () => {
    const guildId = tunnel.ownedBy('b', 'guild-node');
    await publish({ guildId, permissions: '8' });
    const [published] = tunnel.owners.published;
    expect(published).toMatchObject({
      node: 'b',
      value: { kind: 1, audienceIds: [], permitted: { guildId, permissions: '8' } },
    });
  });

  it('without an id gets one that no other has', async () => {
    const answers = await Promise.all([publish({}), publish({})]);
    const ids = answers.map(({ eventId }) => eventId);
    expect(new Set(ids).size).toBe(2);
    expect(new Set(tunnel.owners.ids)).toEqual(new Set(ids));
  });

  it('to users goes once to each node that owns some, and counts all their sessions', async () => {
    const ofA = [tunnel.ownedBy('a', 'session-node'), tunnel.ownedBy('a', 'session-node', 1000)];
    const ofB = tunnel.ownedBy('b', 'session-node');
    tunnel.owners.answer = ({ audienceIds }) => audienceIds.length;
    const answer = await publish({ userIds: [ofA[0]!, ofB, ofA[1]!] });
    expect(answer.sessions).toBe(3);
    expect(
      tunnel.owners.published.map(({ node, value }) => [node, value.kind, value.audienceIds]).sort(),
    ).toEqual([
      ['a', 2, ofA],
      ['b', 2, [ofB]],
    ]);
  });

  it('is answered only when its owner has answered', async () => {
    let release: (sessions: number) => void = () => undefined;
    tunnel.owners.answer = () => new Promise((resolve) => (release = resolve));
    let answered = false;
    const publishing = publish({}).then(() => (answered = true));
    while (tunnel.owners.published.length === 0) await new Promise(setImmediate);
    // Another call on the same connection goes all the way there and back meanwhile.
    tunnel.owners.answer = () => 1;
    await publish({});
    expect(answered).toBe(false);
    release(1);
    await publishing;
  });

  it('fails with what its owner said', async () => {
    tunnel.owners.answer = () => {
      throw invalidArgument('data.role', 'must be an object');
    };
    await expect(publish({})).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: 'data.role: must be an object',
    });
    tunnel.owners.answer = () => {
      throw unavailable('permissions are unknown');
    };
    await expect(publish({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: 'permissions are unknown',
    });
  });

  it('to users of several nodes fails with what is worth a retry, when all have answered', async () => {
    const userIds = [tunnel.ownedBy('a', 'session-node'), tunnel.ownedBy('b', 'session-node')];
    tunnel.owners.answer = (_, node) => {
      throw node === 'a' ? new CallError(Code.INTERNAL, 'broken') : unavailable('moving');
    };
    await expect(publish({ userIds })).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  it('tells nothing of an error that is not meant for callers', async () => {
    tunnel.owners.answer = () => {
      throw new Error('secret');
    };
    const failure = publish({});
    await expect(failure).rejects.toMatchObject({ code: Code.INTERNAL });
    await expect(failure).rejects.not.toMatchObject({
      details: expect.stringContaining('secret') as unknown,
    });
  });

  it.each<[string, Parameters<typeof event>[0], string]>([
    ['data that is not JSON', { data: '{' }, 'data'],
    ['an empty name', { name: '' }, 'name'],
    ['a guild that is no snowflake', { guildId: 'general' }, 'guild_id'],
    ['a user that is no snowflake', { userIds: ['me'] }, 'user_ids'],
    ['data over 1 MiB', { data: `"${'x'.repeat(1_048_576)}"` }, 'data'],
    ['no target', { target: undefined }, 'target'],
    ['a message without channel', { name: 'MESSAGE_CREATE' }, 'channel_id'],
  ])('with %s is INVALID_ARGUMENT with the name of the field, and goes nowhere', async (_, parts, field) => {
    await expect(publish(parts)).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(new RegExp(`^${field}: `)) as unknown,
    });
    expect(tunnel.owners.published).toEqual([]);
  });

  it('without an event is INVALID_ARGUMENT', async () => {
    await expect(publishWith(tunnel.tunnel(), undefined)).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: 'event: must be set',
    });
  });

  it('counts', async () => {
    await publish({});
    await publish({ data: '{' }).catch(() => undefined);
    expect(await tunnel.metric('derailed_tunnel_events_total')).toContainEqual(
      expect.objectContaining({ labels: { door: 'unary', target: 'guild' }, value: 1 }),
    );
    expect(await tunnel.metric('derailed_tunnel_failures_total')).toContainEqual(
      expect.objectContaining({ labels: { code: 'INVALID_ARGUMENT' }, value: 1 }),
    );
    expect(await tunnel.metric('derailed_tunnel_publishes_in_flight')).toEqual([{ labels: {}, value: 0 }]);
  });
});

describe('the order of unary publishes', () => {
  beforeEach(async () => {
    tunnel = await TunnelUnderTest.start();
  });
  afterEach(() => tunnel.dispose());

  it('is the order in which concurrent calls arrived, over both doors', async () => {
    const client = tunnel.tunnel();
    const legacy = tunnel.guilds();
    // Fewer bytes than HTTP/2 lets a connection send at first (64 KiB): a caller that has to wait for the window
    // ends its requests in another order than it began them.
    tunnel.owners.answer = () =>
      new Promise((resolve) =>
        setTimeout(() => {
          resolve(1);
        }, 50 * Math.random()),
      );
    const calls: Promise<unknown>[] = [];
    for (let n = 0; n < 400; n++) {
      calls.push(publishWith(client, event({ name: `NEW_${n}` })));
      const message = { event: `OLD_${n}`, data: '{}' };
      calls.push(ask((done) => legacy.publish({ guildId: '10', message }, done)));
    }
    await Promise.all(calls);
    for (const door of ['NEW', 'OLD']) {
      expect(tunnel.owners.names.filter((name) => name.startsWith(door))).toEqual(
        Array.from({ length: 400 }, (_, n) => `${door}_${n}`),
      );
    }
  });

  it('holds between users named together and users named alone', async () => {
    const client = tunnel.tunnel();
    const [one, two] = [tunnel.ownedBy('a', 'session-node'), tunnel.ownedBy('a', 'session-node', 1000)];
    const calls = Array.from({ length: 300 }, (_, n) =>
      publishWith(
        client,
        event({ id: `${n}`, userIds: n % 3 === 0 ? [one, two] : [n % 3 === 1 ? one : two] }),
      ),
    );
    await Promise.all(calls);
    expect(tunnel.owners.ids).toEqual(Array.from({ length: 300 }, (_, n) => `${n}`));
  });
});

describe('limits', () => {
  afterEach(() => tunnel.dispose());

  it('more publishes in flight than allowed are RESOURCE_EXHAUSTED', async () => {
    tunnel = await TunnelUnderTest.start({ PUBLISHES_IN_FLIGHT: '2' });
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    tunnel.owners.answer = () => gate.then(() => 1);
    const client = tunnel.tunnel();
    const calls = [1, 2, 3].map(() => publishWith(client, event()));
    await expect(calls[2]).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    release();
    await expect(Promise.all(calls.slice(0, 2))).resolves.toHaveLength(2);
    await expect(publish({})).resolves.toMatchObject({ sessions: 1 });
  });

  it('a publish whose owner does not answer is DEADLINE_EXCEEDED', async () => {
    tunnel = await TunnelUnderTest.start({ PUBLISH_TIMEOUT: '100ms' });
    tunnel.owners.answer = () => new Promise(() => undefined);
    await expect(publish({})).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
  });

  it('a publish that nobody owns is UNAVAILABLE', async () => {
    tunnel = await TunnelUnderTest.start({}, { roles: ['presence-node'] });
    await expect(publish({})).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    await expect(publish({ userIds: ['1'] })).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  it('a publish to a node that died is UNAVAILABLE', async () => {
    tunnel = await TunnelUnderTest.start();
    tunnel.owners.answer = () => new Promise(() => undefined);
    const publishing = publish({ guildId: tunnel.ownedBy('a', 'guild-node') });
    while (tunnel.owners.published.length === 0) await new Promise(setImmediate);
    tunnel.network.leave('a');
    await expect(publishing).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });
});
