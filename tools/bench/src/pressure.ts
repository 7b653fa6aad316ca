import { crowdOf, heartbeat, startGateway } from './gateway';
import { atRate } from './load';
import { message } from './message';
import { readMetric } from './metrics';
import { median, percentile, table } from './report';
import { type Scenario, unprivilegedIntents, withDatabase } from './scenario';
import type { Population } from './seed';
import { timed } from './timed';
import { connectTunnel, publishToUsers, streamTo } from './tunnel';

/** Events a second: a guild of 1,000 in lively talk. */
const rate = 50;
/** One of so many clients stalls. */
const share = 10;
/** How many times the latency of the others may be what it was. */
const mostRatio = 1.5;
/** Fills the sockets of those who stall, and of nobody else. */
const ballast = { name: 'PLATFORM_NEWS', data: JSON.stringify('x'.repeat(32_000)) };
const mostBallast = 2_000;

/** Clients that stop reading, in a guild with others: first their sockets fill, then they are closed. What the others feel. */
export const pressure: Scenario = async ({ sessions, seconds, rounds }, say) =>
  withDatabase([{ users: sessions, guilds: 1 }], async (url, [people], closing) => {
    const app = closing.add(await startGateway(url), (process) => process.stop());
    const [guild] = people!.guilds;
    const stalled = Math.floor(sessions / share);
    const enter = async (users: Population['users']) => {
      const crowd = await crowdOf(app, { ...people!, users }, unprivilegedIntents);
      closing.add(crowd, (all) => all.leave());
      await crowd.grow(users.length);
      return crowd;
    };
    const stalling = await enter(people!.users.slice(0, stalled));
    const crowd = await enter(people!.users.slice(stalled));
    await crowd.settled();
    await stalling.settled();
    const publisher = closing.add(streamTo(app.door('tunnel'), guild!.id, sessions), (stream) =>
      stream.close(),
    );
    const tunnel = closing.add(connectTunnel(app.door('tunnel')), (client) => client.close());
    const load = {
      server: { name: 'gateway', pid: app.pid, publisher },
      crowd,
      message: message(guild!.id, guild!.channelId),
      seconds,
    };
    const look = async (): Promise<number[][]> => {
      const p50: number[] = [];
      const p99: number[] = [];
      for (let round = 0; round < rounds; round++) {
        await crowd.say(heartbeat, 1);
        const waits = (await timed(crowd, (onPublish) => atRate(load, rate, onPublish))).sort();
        p50.push(percentile(waits, 0.5));
        p99.push(percentile(waits, 0.99));
      }
      return [p50, p99];
    };
    /** Sends to those who stall until so many of them have been counted. */
    const fillUntil = async (counted: () => Promise<number>): Promise<void> => {
      const userIds = people!.users.slice(0, stalled).map(({ id }) => id);
      for (let events = 0; (await counted()) < stalled; events++) {
        if (events === mostBallast) throw new Error('the sockets of clients that read nothing do not fill');
        await publishToUsers(tunnel, userIds, ballast);
      }
    };

    await look();
    const before = await look();
    stalling.stall();
    await fillUntil(() => readMetric(app.door('admin'), 'derailed_gateway_pressed_total'));
    const pressed = await look();
    await fillUntil(() =>
      readMetric(app.door('admin'), 'derailed_gateway_closes_total', 'reason="too_slow"'),
    );
    const closed = await look();

    const row = (name: string, [p50, p99]: readonly number[][]): (string | number)[] => [
      name,
      median(p50!),
      median(p99!),
      median(p99!) / median(before[1]!),
    ];
    say(
      `\nPublish to receive at ${sessions - stalled} clients beside ${stalled} that stall, ${rate} events / s, ms:`,
    );
    say(
      table([
        ['', 'p50', 'p99', 'p99 : before'],
        row('all read', before),
        row(`${stalled} read nothing, their sockets are full`, pressed),
        row(`${stalled} were closed, their sessions buffer`, closed),
      ]),
    );
    const bound = (when: string, [, p99]: readonly number[][]) => ({
      what: `p99 of the others ${when}`,
      measured: median(p99!) / median(before[1]!),
      unit: 'times what it was',
      below: mostRatio,
    });
    return [bound('while clients stall', pressed), bound('after those were closed', closed)];
  });
