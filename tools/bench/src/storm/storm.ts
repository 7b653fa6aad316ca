import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { message } from '../message';
import { readMetric } from '../metrics';
import { residentBytes } from '../process-cpu';
import { type Bound, percentile, table } from '../report';
import { Closing, unprivilegedIntents } from '../scenario';
import { connectTunnel, publishOnce } from '../tunnel';
import { type Newcomer, enter } from './newcomer';
import type { StormOrder, StormReport } from './newcomers.worker';
import type { ColdGateway, Plan } from './wirings';

const guildsEach = 5;
/** Users that are together in the same guilds. */
const together = 100;
/** Sessions of the guild that events are published to meanwhile. */
const warm = 100;
/** Milliseconds between two publishes. */
const pace = 20;
/** Clients that come from one address. */
const perAddress = 1_000;

const loader = join(__dirname, '..', '..', '..', 'ts.cjs');

export function planOf(clients: number): Plan {
  const groups = Math.ceil(clients / together);
  return [
    { users: warm, guilds: 1 },
    ...Array.from({ length: groups }, (_, group) => ({
      users: Math.min(together, clients - group * together),
      guilds: guildsEach,
    })),
  ];
}

/** All clients identify at once, while events are published to a guild that is in use. */
export async function storm(
  name: string,
  start: (closing: Closing) => Promise<ColdGateway>,
  say: (text: string) => void,
): Promise<readonly Bound[]> {
  const closing = new Closing();
  try {
    return await measure(name, await start(closing), closing, say);
  } finally {
    await closing.run();
  }
}

async function measure(
  name: string,
  gateway: ColdGateway,
  closing: Closing,
  say: (text: string) => void,
): Promise<readonly Bound[]> {
  const [warmTokens = [], ...others] = gateway.tokens;
  const clients = others.flat();
  const guild = gateway.populations[0]?.guilds[0];
  if (guild === undefined) throw new Error('there is no warm guild');
  await warmUp(gateway, warmTokens, closing);
  const tunnel = closing.add(connectTunnel(gateway.tunnel), (client) => client.close());
  const text = message(guild.id, guild.channelId);
  for (let time = 0; time < 50; time++) await publishOnce(tunnel, guild.id, text);

  const before = await queriesOf(gateway);
  const resident = memoryOf(gateway);
  const worker = closing.add(
    fork(join(__dirname, 'newcomers.worker.ts'), [], { execArgv: ['-r', loader], serialization: 'advanced' }),
    (process) => process.kill('SIGKILL'),
  );
  await once(worker, 'spawn');
  const order: StormOrder = {
    invitations: clients.map((token, number) => ({
      at: gateway.webSocket,
      from: `127.0.0.${2 + Math.floor(number / perAddress)}`,
      token,
      intents: unprivilegedIntents,
      guilds: guildsEach,
    })),
  };
  const over = once(worker, 'message') as Promise<[StormReport]>;
  worker.send(order);
  const { acks, peak, report } = await meanwhile(tunnel, guild.id, text, gateway, over);
  const queries = (await queriesOf(gateway)) - before;

  const ready = Float64Array.from(report.readyMs).sort();
  const entered = Float64Array.from(report.enteredMs).sort();
  acks.sort();
  const seconds = (ms: number | undefined): string => `${((ms ?? NaN) / 1000).toFixed(2)} s`;
  say(`\nStorm of ${clients.length} clients, each in ${guildsEach} guilds, ${name}:`);
  say(
    table([
      ['READY, the first half', seconds(percentile(ready, 0.5))],
      ['READY, all', seconds(ready.at(-1))],
      ['all guilds, all', seconds(entered.at(-1))],
      ['connections that were needed', report.attempts],
      ['memory before, MB', Math.round(resident / 1e6)],
      ['memory at most, MB', Math.round(peak / 1e6)],
      ['statements to PostgreSQL', queries],
      ['statements per client', queries / clients.length],
      ['publishes to a warm guild meanwhile', acks.length],
      ['their acks: median, ms', percentile(acks, 0.5)],
      ['their acks: 99th percentile, ms', percentile(acks, 0.99)],
      ['their acks: slowest, ms', acks.at(-1) ?? NaN],
    ]),
  );
  return [
    {
      what: `The slowest publish to a warm guild during the storm (${name})`,
      measured: acks.at(-1) ?? NaN,
      unit: 'ms',
      below: 1_000,
    },
    {
      what: `Statements to PostgreSQL per client of the storm (${name})`,
      measured: queries / clients.length,
      unit: 'statements',
      below: 1,
    },
  ];
}

async function warmUp(gateway: ColdGateway, tokens: readonly string[], closing: Closing): Promise<void> {
  const start = performance.now();
  const inside: Newcomer[] = await Promise.all(
    tokens.map((token) =>
      enter(
        {
          at: gateway.webSocket,
          from: '127.0.0.1',
          token,
          intents: unprivilegedIntents,
          guilds: 1,
          random: Math.random,
        },
        start,
      ),
    ),
  );
  closing.add(inside, (all) => {
    for (const client of all) client.leave();
  });
}

/** Publishes and looks at the memory until the storm is over. */
async function meanwhile(
  tunnel: Parameters<typeof publishOnce>[0],
  guildId: string,
  text: ReturnType<typeof message>,
  gateway: ColdGateway,
  over: Promise<[StormReport]>,
): Promise<{ acks: Float64Array; peak: number; report: StormReport }> {
  const acks: Promise<number>[] = [];
  let peak = 0;
  const publishing = setInterval(() => {
    acks.push(publishOnce(tunnel, guildId, text));
    peak = Math.max(peak, memoryOf(gateway));
  }, pace);
  try {
    const [report] = await over;
    return { report, peak, acks: Float64Array.from(await Promise.all(acks)) };
  } finally {
    clearInterval(publishing);
  }
}

function memoryOf({ processes }: ColdGateway): number {
  return processes.reduce((sum, { pid }) => sum + residentBytes(pid), 0);
}

async function queriesOf({ processes }: ColdGateway): Promise<number> {
  const counts = await Promise.all(
    processes.map((app) =>
      readMetric(app.door('admin'), 'derailed_database_statements_total').catch(() => 0),
    ),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
