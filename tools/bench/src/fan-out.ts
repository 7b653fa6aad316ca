import { Crowd } from './crowd';
import { crowdOf, heartbeat, startGateway } from './gateway';
import { Inspector } from './inspector';
import { type Run, oneAtATime, perCpuSecond, perSecond, saturate } from './load';
import { message } from './message';
import { startPlain } from './plain';
import type { Bound } from './report';
import { median, table } from './report';
import { type Scenario, allIntents, withDatabase } from './scenario';
import type { Server } from './server';
import { streamTo } from './tunnel';

/** Publishes without an ack at saturation. */
const inFlight = 64;

const ways = [
  {
    title: `saturation, ${inFlight} publishes in flight`,
    load: (load: Parameters<typeof saturate>[0]) => saturate(load, inFlight),
  },
  { title: 'one event at a time', load: (load: Parameters<typeof saturate>[0]) => oneAtATime(load) },
];

/** Fan-out to many sessions in one guild, beside the plain servers, round by round in turn. */
export const fanOut: Scenario = async ({ sessions, seconds, rounds, profile }, say) =>
  withDatabase([{ users: sessions, guilds: 1 }], async (url, [people], closing) => {
    const [guild] = people!.guilds;
    const text = message(guild!.id, guild!.channelId);
    const app = closing.add(await startGateway(url, profile !== undefined), (process) => process.stop());
    const gateway: Server = {
      name: 'gateway',
      pid: app.pid,
      sockets: app.door('WebSocket'),
      publisher: streamTo(app.door('tunnel'), guild!.id, sessions),
      stop: () => Promise.resolve(),
    };
    closing.add(gateway.publisher, (publisher) => publisher.close());
    const entrants: { server: Server; crowd: Crowd }[] = [
      { server: gateway, crowd: await crowdOf(app, people!, allIntents) },
    ];
    for (const way of ['plain', 'corked'] as const) {
      const server = closing.add(await startPlain(way), (plain) => plain.stop());
      entrants.push({ server, crowd: new Crowd({ at: server.sockets, frames: 0 }) });
    }
    for (const { crowd } of entrants) {
      closing.add(crowd, (all) => all.leave());
      await crowd.grow(sessions);
      await crowd.settled();
    }

    const bounds: Bound[] = [];
    for (const { title, load } of ways) {
      const runs = new Map<Server, Run[]>(entrants.map(({ server }) => [server, []]));
      // Round 0 warms up.
      for (let round = 0; round <= rounds; round++) {
        await entrants[0]!.crowd.say(heartbeat, 1);
        for (const { server, crowd } of entrants) {
          const run = await load({
            server,
            crowd,
            message: text,
            seconds: round === 0 ? Math.min(seconds, 2) : seconds,
          });
          if (round > 0) runs.get(server)!.push(run);
        }
      }
      const [own, plain, corked] = entrants.map(({ server }) =>
        median(runs.get(server)!.map(perCpuSecond)),
      ) as [number, number, number];
      say(`\nFan-out to ${sessions} sessions, ${title} (medians of ${rounds} rounds of ${seconds} s):`);
      say(
        table([
          ['', 'deliveries / CPU s', 'deliveries / s', 'events / s', 'CPU busy %', 'bytes / delivery'],
          ...[...runs].map(([{ name }, all]) => [
            name,
            median(all.map(perCpuSecond)),
            median(all.map(perSecond)),
            median(all.map((run) => run.events / run.seconds)),
            median(all.map((run) => (100 * run.cpuSeconds) / run.seconds)),
            median(all.map((run) => run.bytes / run.deliveries)),
          ]),
        ]),
      );
      say(
        table([
          ['gateway : plain', own / plain],
          ['gateway : corked', own / corked],
        ]),
      );
      const saturated = title.startsWith('saturation');
      bounds.push({
        what: `fan-out, ${title}, gateway : plain`,
        measured: own / plain,
        unit: 'times',
        atLeast: saturated ? 8 : 1,
      });
      if (saturated)
        bounds.push({
          what: `fan-out, ${title}, gateway : corked`,
          measured: own / corked,
          unit: 'times',
          atLeast: 0.7,
        });
    }
    if (profile !== undefined) {
      const inspector = await Inspector.of(app);
      await inspector.startProfile();
      await saturate({ ...entrants[0]!, message: text, seconds }, inFlight);
      await inspector.stopProfile(profile);
      inspector.close();
      say(`\nCPU profile of the gateway at saturation: ${profile}`);
    }
    return bounds;
  });
