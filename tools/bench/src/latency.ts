import { crowdOf, heartbeat, startGateway } from './gateway';
import { atRate, oneAtATime, perSecond, saturate } from './load';
import { message } from './message';
import { percentile, table } from './report';
import { type Scenario, allIntents, withDatabase } from './scenario';
import { timed } from './timed';
import { connectTunnel, publishOnce, streamTo } from './tunnel';

/** Events a second: a guild of 1,000 in lively talk. */
const moderate = 50;
/** Events without an ack on the stream that is measured alone. */
const inFlight = 256;

const row = (name: string, all: Float64Array): (string | number)[] => {
  all.sort();
  return [name, percentile(all, 0.5), percentile(all, 0.99), all.at(-1) ?? NaN, all.length];
};

/** How long a publish takes: to its receivers, and to its ack. */
export const latency: Scenario = async ({ sessions, seconds }, say) =>
  withDatabase(
    [
      { users: sessions, guilds: 1 },
      { users: 1, guilds: 1 },
    ],
    async (url, [many, one], closing) => {
      const app = closing.add(await startGateway(url), (process) => process.stop());
      const connect = async (people: typeof many, count: number) => {
        const crowd = closing.add(await crowdOf(app, people!, allIntents), (all) => all.leave());
        const [guild] = people!.guilds;
        const publisher = closing.add(streamTo(app.door('tunnel'), guild!.id, count), (stream) =>
          stream.close(),
        );
        await crowd.grow(count);
        await crowd.settled();
        await crowd.say(heartbeat, 1);
        return {
          server: { name: 'gateway', pid: app.pid, publisher },
          crowd,
          message: message(guild!.id, guild!.channelId),
          seconds,
        };
      };
      const crowded = await connect(many, sessions);
      await oneAtATime({ ...crowded, seconds: 1 });
      const alone = await timed(crowded.crowd, (onPublish) => oneAtATime(crowded, onPublish));
      const paced = await timed(crowded.crowd, (onPublish) => atRate(crowded, moderate, onPublish));

      const single = await connect(one, 1);
      const client = closing.add(connectTunnel(app.door('tunnel')), (tunnel) => tunnel.close());
      const unary: number[] = [];
      for (const until = performance.now() + seconds * 1000; performance.now() < until;) {
        unary.push(await publishOnce(client, one!.guilds[0]!.id, single.message));
      }
      // An ack says that the session has an event; its frame may come after the ack.
      await single.crowd.settled();
      const stream = await saturate(single, inFlight);

      say(`\nLatency in ms, receivers' own time included:`);
      say(
        table([
          ['', 'p50', 'p99', 'max', 'samples'],
          row(`publish to receive, ${sessions} sessions, one at a time`, alone),
          row(`publish to receive, ${sessions} sessions, ${moderate} events / s`, paced),
          row(
            'unary publish to ack, 1 session',
            Float64Array.from(unary.slice(Math.floor(unary.length / 10))),
          ),
        ]),
      );
      say(
        `\nPublishStream, 1 session, ${inFlight} in flight: ${Math.round(perSecond(stream))} events / s acked and received.`,
      );
      return [];
    },
  );
