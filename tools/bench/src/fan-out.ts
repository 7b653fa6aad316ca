import { join } from 'node:path';
import type { AppProcess } from '@derailed/testing';
import { Crowd } from './crowd';
import { crowdOf, heartbeat, startGateway } from './gateway';
import { Inspector } from './inspector';
import { type Load, type Run, oneAtATime, perCpuSecond, perSecond, saturate } from './load';
import { type Message, message } from './message';
import { startPlain } from './plain';
import { type Bound, median, table } from './report';
import { type Closing, type Scenario, allIntents, withDatabase } from './scenario';
import type { Population } from './seed';
import type { Server } from './server';
import { streamTo } from './tunnel';

/** Publishes without an ack at saturation. */
const inFlight = 64;

interface Way {
  readonly name: string;
  readonly load: (load: Load) => Promise<Run>;
  /** The least ratios of the gateway's deliveries per CPU second to those of the plain servers. */
  readonly atLeast: { readonly plain: number; readonly corked?: number };
}

const ways: readonly Way[] = [
  { name: 'saturation', load: (load) => saturate(load, inFlight), atLeast: { plain: 8, corked: 0.7 } },
  { name: 'one at a time', load: (load) => oneAtATime(load), atLeast: { plain: 1 } },
];

/** A server with its receivers. */
interface Entrant {
  readonly server: Server;
  readonly crowd: Crowd;
  readonly message: Message;
}

/** Fan-out to many sessions in one guild, beside the plain servers, round by round in turn. */
export const fanOut: Scenario = async ({ sessions, seconds, rounds, profile }, say) =>
  withDatabase([{ users: sessions, guilds: 1 }], async (url, [people], closing) => {
    const app = closing.add(await startGateway(url, profile !== undefined), (process) => process.stop());
    const entrants = await enter(app, people!, sessions, closing);
    const gateway = entrants[0]!;
    const bounds: Bound[] = [];
    for (const way of ways) {
      const runs = new Map<string, Run[]>(entrants.map(({ server }) => [server.name, []]));
      // Round 0 warms up.
      for (let round = 0; round <= rounds; round++) {
        await gateway.crowd.say(heartbeat, 1);
        for (const entrant of entrants) {
          const run = await way.load({ ...entrant, seconds });
          if (round > 0) runs.get(entrant.server.name)?.push(run);
        }
      }
      say(`\nFan-out to ${sessions} sessions, ${way.name} (medians of ${rounds} rounds of ${seconds} s):`);
      bounds.push(...compare(way, runs, say));
    }
    if (profile !== undefined) await writeProfiles(app, { ...gateway, seconds }, profile);
    return bounds;
  });

/** Starts the plain servers beside the gateway, and lets their receivers in. */
async function enter(
  app: AppProcess,
  people: Population,
  sessions: number,
  closing: Closing,
): Promise<Entrant[]> {
  const guild = people.guilds[0]!;
  const text = message(guild.id, guild.channelId);
  const publisher = closing.add(streamTo(app.door('tunnel'), guild.id, sessions), (stream) => stream.close());
  const crowds: [Server, Crowd][] = [
    [{ name: 'gateway', pid: app.pid, publisher }, await crowdOf(app, people, allIntents)],
  ];
  for (const way of ['plain', 'corked'] as const) {
    const server = closing.add(await startPlain(way), (plain) => plain.stop());
    crowds.push([server, new Crowd({ at: server.sockets, frames: 0 })]);
  }
  for (const [, crowd] of crowds) {
    closing.add(crowd, (all) => all.leave());
    await crowd.grow(sessions);
    await crowd.settled();
  }
  return crowds.map(([server, crowd]) => ({ server, crowd, message: text }));
}

function compare(
  { name, atLeast }: Way,
  runs: ReadonlyMap<string, readonly Run[]>,
  say: (text: string) => void,
): Bound[] {
  const middle = (of: string, figure: (run: Run) => number): number =>
    median((runs.get(of) ?? []).map(figure));
  const ratio = (other: string): number => middle('gateway', perCpuSecond) / middle(other, perCpuSecond);
  say(
    table([
      ['', 'deliveries / CPU s', 'deliveries / s', 'events / s', 'CPU busy %', 'bytes / delivery'],
      ...[...runs.keys()].map((server) => [
        server,
        middle(server, perCpuSecond),
        middle(server, perSecond),
        middle(server, (run) => run.events / run.seconds),
        middle(server, (run) => (100 * run.cpuSeconds) / run.seconds),
        middle(server, (run) => run.bytes / run.deliveries),
      ]),
      ['gateway : plain', ratio('plain')],
      ['gateway : corked', ratio('corked')],
    ]),
  );
  return Object.entries(atLeast).map(([other, least]) => ({
    what: `Fan-out, ${name}, gateway : ${other}`,
    measured: ratio(other),
    unit: 'times',
    atLeast: least,
  }));
}

async function writeProfiles(app: AppProcess, load: Load, directory: string): Promise<void> {
  const inspector = await Inspector.of(app);
  for (const way of ways) {
    await inspector.startProfile();
    await way.load(load);
    await inspector.stopProfile(join(directory, `${way.name.replaceAll(' ', '-')}.cpuprofile`));
  }
  inspector.close();
}
