import { setTimeout } from 'node:timers/promises';
import { type Stage, everything, sizes, times } from './stage';
import { proves, provesEach } from './proves';
import { cast, hall } from './cast';
import { type Payload, RawClient } from '../raw-client';

/** Closes, resumes, op 9, and what takes seconds: timeouts and windows. */
export function resumeSuite(stage: () => Stage): void {
  const say = (n: number) =>
    stage().publisher.publish({ guildId: hall.id }, 'MESSAGE_CREATE', {
      id: String(n),
      channel_id: hall.channels.open,
      content: 'é "quoted" \u2028',
    });
  const message = (client: RawClient, n: number) =>
    client.first(({ t, d }) => t === 'MESSAGE_CREATE' && d['id'] === String(n));
  const noSession = async (session: string, seq = 1): Promise<void> => {
    const again = await stage().resume('ben', session, seq);
    expect((await again.op(9)).d).toBe(false);
  };

  describe('a close', () => {
    provesEach(
      ['close.goodbye'],
      'of the client with %i ends its session',
      [[1000], [1001]],
      async (code) => {
        const client = await stage().enter('ben');
        await client.close(code);
        await noSession(client.session);
      },
    );

    provesEach(
      ['close.other', 'resume.replay', 'resume.resumed', 'op.dispatch'],
      'of the client with %s leaves its session, which is resumed without a gap',
      [['4200'], ['4901'], ['4999'], ['3024'], ['3066'], ['4000'], ['3000'], ['no frame']],
      async (how) => {
        const client = await stage().enter('ben');
        await say(1);
        await message(client, 1);
        const seen = client.lastSeq;
        if (how === 'no frame') client.drop();
        else await client.close(Number(how));
        const [first, second] = [await say(2), await say(3)];
        expect([first, second].every((sessions) => sessions >= 1)).toBe(true);
        const again = await stage().resume('ben', client.session, seen);
        const resumed = await again.event('RESUMED');
        await say(4);
        await message(again, 4);
        const dispatches = again.received.filter(({ op }) => op === 0);
        const upToResumed = dispatches.slice(0, dispatches.indexOf(resumed) + 1);
        expect(upToResumed.filter(({ t }) => t === 'MESSAGE_CREATE').map(({ d }) => d['id'])).toEqual([
          '2',
          '3',
        ]);
        expect(resumed.d).toEqual({ _trace: expect.any(Array) });
        expect(dispatches.map(({ s }) => s)).toEqual(dispatches.map((_, at) => seen + 1 + at));
      },
    );

    proves(['resume.replay'], 'a replay from READY has what was sent, word by word', async () => {
      const client = await stage().enter('zoe');
      for (let n = 0; n < 20; n++)
        await stage().publisher.publish({ userIds: [cast.zoe.id] }, 'OURS', { n, é: '\u2028' });
      await client.count(({ t }) => t === 'OURS', 20);
      client.drop();
      const sent = client.received.filter(({ op }) => op === 0);
      const one = await stage().resume('zoe', client.session, 1);
      await one.event('RESUMED');
      expect(one.received.filter(({ op }) => op === 0).slice(0, -1)).toEqual(sent.slice(1));
    });
  });

  describe('a resume', () => {
    proves(
      ['resume.unknown', 'resume.answered', 'invalid.boolean', 'invalid.same-socket'],
      'of no session gets op 9 and stays open',
      async () => {
        const client = stage().connect();
        await client.op(10);
        const owner = await stage().enter('ann');
        const tries = ['', 'x', 'nonsense.nonsense', owner.session, `${owner.session.slice(0, -1)}!`];
        let answers = 0;
        for (const session_id of tries) {
          client.send({ op: 6, d: { token: stage().token('ben'), session_id, seq: 1 } });
          await client.count(({ op }) => op === 9, ++answers);
        }
        expect(client.received.filter(({ op }) => op === 9).map(({ d }) => d)).toEqual(
          tries.map(() => false),
        );
        client.send({ op: 1, d: null });
        await client.op(11);
        client.send({ op: 2, d: { token: stage().token('ben'), intents: 0 } });
        await client.event('READY');
        // The owner's session was not touched.
        owner.send({ op: 1, d: 1 });
        await owner.op(11);
      },
    );

    proves(['resume.token'], 'with a token of nobody is closed with 4004', async () => {
      const owner = await stage().enter('ben');
      const client = stage().connect();
      await client.resume('nobody', owner.session, 1);
      expect(await client.closed).toBe(4004);
    });

    proves(
      ['identify.token', 'resume.takeover', 'resume.late-close', 'close.echo'],
      'wins over a socket that looks open',
      async () => {
        const old = await stage().enter('ben');
        const seen = old.lastSeq;
        // Its network is stuck: it reads nothing, and what it says later comes late.
        old.pause();
        const client = stage().connect();
        await client.resume(`Bot ${stage().token('ben')}`, old.session, seen);
        await client.event('RESUMED');
        old.sendClose(1000);
        await say(10);
        await message(client, 10);
        old.continue();
        await old.closed;
        expect(old.received.some(({ d }) => d?.['id'] === '10')).toBe(false);
        await say(11);
        await message(client, 11);
      },
    );

    proves(['resume.takeover'], 'closes the old socket with 4000', async () => {
      const old = await stage().enter('ben');
      const client = await stage().resume('ben', old.session, old.lastSeq);
      await client.event('RESUMED');
      expect(await old.closed).toBe(4000);
    });

    provesEach(
      ['resume.seq-high', 'close.dropped'],
      'from %j, which was never sent, is closed with 4007 once, and the session is gone',
      [['the next one'], [10_000], [2 ** 40], [-1], [1.5], ['last']] as [unknown][],
      async (number) => {
        const client = await stage().enter('zoe', { intents: 0 });
        const seq = number === 'the next one' ? client.lastSeq + 1 : number;
        client.drop();
        const again = stage().connect();
        await again.op(10);
        again.send({ op: 6, d: { token: stage().token('zoe'), session_id: client.session, seq } });
        expect(await again.closed).toBe(4007);
        for (const late of [client.lastSeq, -1])
          expect((await (await stage().resume('zoe', client.session, late)).op(9)).d).toBe(false);
      },
    );

    proves(
      ['resume.seq-high'],
      'from such a seq with a token of another user leaves the session',
      async () => {
        const client = await stage().enter('ben');
        client.drop();
        const stranger = await stage().resume('ann', client.session, -1);
        expect((await stranger.op(9)).d).toBe(false);
        const again = await stage().resume('ben', client.session, client.lastSeq);
        await again.event('RESUMED');
      },
    );

    proves(['resume.seq-old'], 'from before the buffer gets op 9', async () => {
      const client = await stage().enter('ben');
      const seen = client.lastSeq;
      client.drop();
      for (let n = 0; n <= sizes.replayEvents; n += 32)
        await Promise.all(Array.from({ length: 32 }, () => say(20)));
      await noSession(client.session, seen);
    });

    proves(['resume.seq-zero'], 'from 0 gets op 9', async () => {
      const client = await stage().enter('ben');
      client.drop();
      await noSession(client.session, 0);
    });

    proves(['resume.stale-heartbeat'], 'goes back behind what heartbeats said', async () => {
      const client = await stage().enter('ben');
      const seen = client.lastSeq;
      await say(30);
      await message(client, 30);
      client.send({ op: 1, d: client.lastSeq });
      await client.op(11);
      client.drop();
      const again = await stage().resume('ben', client.session, seen);
      await message(again, 30);
    });

    proves(['identify.resume-free'], 'does not count as an identify', async () => {
      let client = await stage().enter('shown');
      const { session } = client;
      for (let n = 0; n < sizes.identifiesPerDay; n++) {
        const seq = client.lastSeq;
        client.drop();
        client = await stage().resume('shown', session, seq);
        await client.event('RESUMED');
      }
    });
  });

  describe('the rate of payloads', () => {
    proves(
      ['rate.payloads', 'rate.heartbeats', 'close.kept'],
      'is 120 in a minute, heartbeats among them',
      async () => {
        const client = await stage().enter('ben');
        for (let n = 0; n < 119; n++) client.send({ op: 1, d: null });
        await client.count(({ op }) => op === 11, 119);
        client.send({ op: 1, d: null });
        expect(await client.closed).toBe(4008);
        const again = await stage().resume('ben', client.session, client.lastSeq);
        await again.event('RESUMED');
        for (let n = 0; n < 119; n++) again.send({ op: 1, d: null });
        await again.count(({ op }) => op === 11, 119);
      },
    );

    proves(['rate.presence'], 'of presence updates is 5 in 20 seconds; more are dropped', async () => {
      const watcher = await stage().enter('dan', { intents: 1 | (1 << 8) });
      const client = await stage().enter('cat');
      const activity = (n: number) => ({
        op: 3,
        d: { since: null, status: 'dnd', afk: false, activities: [{ name: `game ${n}`, type: 0 }] },
      });
      for (let n = 1; n <= 5; n++) client.send(activity(n));
      await watcher.first(({ t, d }) => t === 'PRESENCE_UPDATE' && JSON.stringify(d).includes('game 5'));
      for (let n = 6; n <= 20; n++) client.send(activity(n));
      client.send({ op: 1, d: null });
      await client.op(11);
      const other = await stage().enter('ann', { presence: { status: 'idle', activities: [] } });
      await watcher.first(({ t, d }) => t === 'PRESENCE_UPDATE' && d['status'] === 'idle');
      expect(JSON.stringify(watcher.received)).not.toContain('game 20');
      await other.leave();
    });
  });
}

/** What the slow lines found: each began before all other tests, and ends by itself. */
export interface SlowLines {
  readonly silent: Promise<number>;
  readonly idleAfterInvalid: Promise<number>;
  readonly beatless: Promise<{ code: number; afterMs: number; ops: number[]; resumed: string | null }>;
}

/** Starts what takes seconds, beside all other tests. */
export function beginSlowLines(stage: Stage): SlowLines {
  const connect = () => stage.keep(stage.connect());
  const idle = async (): Promise<number> => {
    const client = connect();
    await client.resume(stage.token('sam'), 'nonsense', 1);
    await client.op(9);
    return client.closed;
  };
  const beatless = async (): ReturnType<() => SlowLines['beatless']> => {
    const client = connect();
    await client.op(10);
    // The time before READY must not count.
    await setTimeout(0.8 * times.identifyTimeoutMs);
    await client.identify(stage.token('sam'), 0);
    const begun = performance.now();
    const code = await client.closed;
    const afterMs = performance.now() - begun;
    const again = connect();
    await again.resume(stage.token('sam'), client.session, 1);
    const { t } = await again.first(({ t: name, op }) => name === 'RESUMED' || op === 9);
    await again.leave();
    return { code, afterMs, ops: client.received.map(({ op }) => op), resumed: t };
  };
  const lines = {
    silent: connect().closed,
    idleAfterInvalid: idle(),
    beatless: beatless(),
  };
  // Their tests hear of what fails. Without those tests the gateway stops before these have ended.
  for (const line of Object.values(lines)) line.catch(() => undefined);
  return lines;
}

/** Asks for what the slow lines found. Last, so that they had their time. */
export function slowSuite(slow: () => SlowLines): void {
  describe('in the long run', () => {
    proves(['identify.silence'], 'who says nothing is closed with 4000', async () => {
      expect(await slow().silent).toBe(4000);
    });

    proves(['invalid.idle'], 'who does nothing after op 9 is closed with 4000', async () => {
      expect(await slow().idleAfterInvalid).toBe(4000);
    });

    proves(
      ['heartbeat.timeout', 'heartbeat.clock', 'op.heartbeat-asked', 'close.kept', 'close.expired'],
      'who does not beat is not asked to, is closed with 4000, and may resume',
      async () => {
        const { code, afterMs, ops, resumed } = await slow().beatless;
        expect({ code, ops, resumed }).toEqual({ code: 4000, ops: [10, 0], resumed: 'RESUMED' });
        expect(afterMs).toBeGreaterThan(1.5 * times.heartbeatMs);
      },
    );
  });
}

/** The gateway stops: the last tests of a stage. */
export function departureSuite(stage: () => Stage): void {
  /** As clients do: again after a close with 4000, which a node sends that does not reach the others yet. */
  const resumeAt = async (gateway: string, { session, lastSeq }: RawClient): Promise<Payload> => {
    for (;;) {
      const client = new RawClient(gateway);
      const isAnswer = ({ t, op }: Payload): boolean => t === 'RESUMED' || op === 9;
      await client.resume(stage().token('ben'), session, lastSeq);
      const answer = await client.first(isAnswer).catch(() => undefined);
      if (answer === undefined) expect(await client.closed).toBe(4000);
      await client.leave();
      if (answer !== undefined) return answer;
    }
  };

  describe('a gateway that stops', () => {
    proves(
      ['reconnect.drain', 'reconnect.unbound', 'reconnect.resume'],
      'asks clients with a session to reconnect, closes all with 4000, and sessions that live on are resumed',
      async () => {
        const client = await stage().enter('ben', { intents: everything });
        const [unbound, refused] = [stage().connect(), stage().connect()];
        await unbound.op(10);
        await refused.resume(stage().token('ben'), 'nonsense', 1);
        await refused.op(9);
        const stopped = stage().stopGateway();
        expect(await client.op(7)).toEqual({ op: 7, d: null, s: null, t: null });
        const all = [client, unbound, refused];
        expect(await Promise.all(all.map(({ closed }) => closed))).toEqual([4000, 4000, 4000]);
        expect([unbound, refused].map(({ received }) => received.map(({ op }) => op))).toEqual([
          [10],
          [10, 9],
        ]);
        await stopped;
        const answer = await resumeAt(await stage().restartGateway(), client);
        expect(answer).toMatchObject(
          stage().sessionsOutliveGateway ? { op: 0, t: 'RESUMED' } : { op: 9, d: false },
        );
      },
      30_000,
    );

    proves(['close.never'], 'has never sent a code that clients keep for themselves', async () => {
      const allowed = [4000, 4001, 4002, 4003, 4004, 4005, 4007, 4008, 4010, 4011, 4012, 4013, 4014];
      // 1005 and 1006: no code came. 1000 and the like: the echo of our own.
      const own = [1000, 1001, 1005, 1006, 3000, 3024, 3066, 4200, 4901, 4999];
      expect([...stage().codes].filter((code) => !allowed.includes(code) && !own.includes(code))).toEqual([]);
      expect(allowed.filter((code) => !stage().codes.has(code))).toEqual([]);
    });
  });
}
