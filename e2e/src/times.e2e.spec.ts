import { setTimeout } from 'node:timers/promises';
import { cast } from './acceptance/cast';
import { proves } from './acceptance/proves';
import { type Stage, stages } from './acceptance/stage';
import type { RawClient } from './raw-client';

/** Much shorter than anybody would have them, so that a test can see them end. */
const times = {
  /** Below 10 s: heartbeats are not counted. */
  HEARTBEAT_INTERVAL: 5000,
  PAYLOAD_WINDOW: 6000,
  RESUME_WINDOW: 1000,
  IDENTIFY_DB_WINDOW: 1000,
} as const;
const bytes = 1_048_576;
const environment = {
  ...Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, `${ms}ms`])),
  REPLAY_BYTES: String(bytes),
};

/** Counted, and without effect. */
const payload = { op: 4, d: { guild_id: '1', channel_id: null } };

jest.setTimeout(20_000);

describe.each(stages)('the times of the client contract, %s', (_, start) => {
  let stage: Stage;
  let beaten = 0;

  beforeAll(async () => {
    stage = await start(environment);
  }, 60_000);
  afterEach(() => stage.clear());
  afterAll(() => stage.stop(), 30_000);

  /** Says it that often. Resolves when the gateway has taken all of it: a heartbeat behind it is answered. */
  const say = async (client: RawClient, often: number): Promise<void> => {
    for (let n = 0; n < often; n++) client.send(payload);
    client.send({ op: 1, d: null });
    await client.count(({ op }) => op === 11, ++beaten);
  };

  beforeEach(() => {
    beaten = 0;
  });

  proves(
    ['rate.window', 'rate.payloads'],
    'two bursts of payloads may touch, one at the end of a window and one in the next',
    async () => {
      const client = stage.connect();
      await client.op(10);
      // The first payload opens the window.
      client.send({ op: 2, d: { token: stage.token('zoe'), intents: 0, properties: {} } });
      await client.event('READY');
      await setTimeout(times.PAYLOAD_WINDOW / 2);
      await say(client, 119);
      await setTimeout(times.PAYLOAD_WINDOW / 2);
      await say(client, 120);
      client.send(payload);
      expect(await client.closed).toBe(4008);
    },
  );

  proves(
    ['rate.heartbeats-free', 'rate.payloads'],
    'heartbeats count for nothing when they have to come often',
    async () => {
      const client = await stage.enter('zoe', { intents: 0 });
      for (let n = 0; n < 100; n++) client.send({ op: 1, d: null });
      await client.count(({ op }) => op === 11, (beaten = 100));
      // Identify was the first of 120.
      await say(client, 119);
      client.send(payload);
      expect(await client.closed).toBe(4008);
    },
  );

  proves(
    ['ready.deadline'],
    'who identifies while the database can not be read is closed with 4000 in time',
    async () => {
      await stage.query('alter table users rename to users_away');
      try {
        const client = stage.connect();
        await client.op(10);
        client.send({ op: 2, d: { token: stage.token('zoe'), intents: 0, properties: {} } });
        expect(await client.closed).toBe(4000);
        expect(client.received.map(({ op }) => op)).toEqual([10]);
      } finally {
        await stage.query('alter table users_away rename to users');
      }
      await stage.enter('zoe', { intents: 0 });
    },
    8000,
  );

  proves(['resume.seq-old'], 'a resume from what is more bytes ago than are kept gets op 9', async () => {
    const target = { userIds: [cast.zoe.id] };
    const client = await stage.enter('zoe', { intents: 0 });
    for (let n = 0; n < 3; n++) await stage.publisher.publish(target, 'BIG', { big: 'x'.repeat(bytes / 2) });
    await client.count(({ t }) => t === 'BIG', 3);
    const seen = client.lastSeq;
    client.drop();
    const again = await stage.resume('zoe', client.session, seen - 1);
    expect((await again.event('BIG')).s).toBe(seen);
    await again.event('RESUMED');
    again.drop();
    const late = await stage.resume('zoe', client.session, seen - 3);
    expect((await late.op(9)).d).toBe(false);
  });

  proves(
    ['resume.window', 'resume.unknown', 'close.expired'],
    'a session that nobody resumes in time is gone',
    async () => {
      let client = await stage.enter('zoe', { intents: 0 });
      const { session } = client;
      // The window opens when the gateway has seen the drop, which nobody says.
      for (let wait = times.RESUME_WINDOW; ; wait *= 2) {
        const seen = Math.max(1, client.lastSeq);
        client.drop();
        await setTimeout(wait);
        client = await stage.resume('zoe', session, seen);
        const { op, d } = await client.first(({ t, op: code }) => t === 'RESUMED' || code === 9);
        if (op === 0) continue;
        expect(d).toBe(false);
        return;
      }
    },
  );
});
