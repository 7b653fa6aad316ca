import type { AppProcess } from '@derailed/testing';
import { chatter, inTurn } from './chatter';
import { Crowd } from './crowd';
import { crowdOf, heartbeat, startGateway } from './gateway';
import { Inspector } from './inspector';
import { type Run, oneAtATime, perCpuSecond, perSecond, saturate } from './load';
import type { Message } from './message';
import { startPlain } from './plain';
import { residentBytes } from './process-cpu';
import { type Bound, median, table } from './report';
import { type Closing, type Scenario, allIntents, withDatabase } from './scenario';
import type { Population } from './seed';
import type { Server } from './server';
import { streamTo } from './tunnel';

const zlib = 'v=10&encoding=json&compress=zlib-stream';
/** Publishes without an ack at saturation. */
const inFlight = 64;
/** Connections whose memory is measured, after so many to warm up. */
const measured = 2000;
const first = 100;
/** MiB that are enough for all of them. */
const plenty = '1024';
/** Sessions of each kind where bytes are compared, and messages that they get. */
const readers = 20;
const messages = 2000;

interface Entrant {
  readonly server: Server;
  readonly crowd: Crowd;
}

/** zlib-stream beside a server with a deflater for each socket; what a connection's compressor costs and gains. */
export const compression: Scenario = async (options, say) => {
  const { sessions } = options;
  return withDatabase(
    [
      { users: sessions, guilds: 1 },
      { users: 2 * readers, guilds: 1 },
    ],
    async (url, [people, few], closing) => [
      ...(await speed(url, people!, options, say, closing)),
      ...(await memory(url, say, closing)),
      ...(await ratio(url, few!, say, closing)),
    ],
  );
};

const messagesOf = ({ guilds: [guild] }: Population): readonly Message[] =>
  chatter(messages, guild!.id, guild!.channelId);

async function speed(
  url: string,
  people: Population,
  { sessions, seconds, rounds }: Parameters<Scenario>[0],
  say: (text: string) => void,
  closing: Closing,
): Promise<Bound[]> {
  const all = messagesOf(people);
  const app = closing.add(await startGateway(url, false, { COMPRESSION_CONTEXT_MB: '0' }), (process) =>
    process.stop(),
  );
  const plain = closing.add(await startPlain('deflated'), (server) => server.stop());
  const stream = closing.add(streamTo(app.door('tunnel'), people.guilds[0]!.id, sessions), (publisher) =>
    publisher.close(),
  );
  const entrants: readonly Entrant[] = [
    {
      server: { name: 'gateway', pid: app.pid, publisher: inTurn(stream, all) },
      crowd: await crowdOf(app, people, allIntents, zlib),
    },
    {
      server: { ...plain, name: 'deflater per socket', publisher: inTurn(plain.publisher, all) },
      crowd: new Crowd({ at: plain.sockets, frames: 0 }),
    },
  ];
  for (const { crowd } of entrants) {
    closing.add(crowd, (receivers) => receivers.leave());
    await crowd.grow(sessions);
    await crowd.settled();
  }
  const [gateway, other] = entrants as [Entrant, Entrant];
  const bounds: Bound[] = [];
  for (const { name, load, atLeast } of [
    { name: 'saturation', load: saturate, atLeast: 15 },
    { name: 'one at a time', load: oneAtATime, atLeast: 3 },
  ]) {
    const runs = new Map<Entrant, Run[]>([
      [gateway, []],
      [other, []],
    ]);
    // Round 0 warms up.
    for (let round = 0; round <= rounds; round++) {
      await gateway.crowd.say(heartbeat, 1);
      for (const entrant of entrants) {
        const work = { ...entrant, message: all[0]!, seconds };
        const run = load === saturate ? await saturate(work, inFlight) : await oneAtATime(work);
        if (round > 0) runs.get(entrant)?.push(run);
      }
    }
    const middle = (entrant: Entrant, figure: (run: Run) => number): number =>
      median((runs.get(entrant) ?? []).map(figure));
    const times = middle(gateway, perCpuSecond) / middle(other, perCpuSecond);
    say(
      `\nzlib-stream to ${sessions} sessions, ${name} (medians of ${rounds} rounds of ${seconds} s), blocks shared:`,
    );
    say(
      table([
        ['', 'deliveries / CPU s', 'deliveries / s', 'bytes / delivery'],
        ...entrants.map((entrant) => [
          entrant.server.name,
          middle(entrant, perCpuSecond),
          middle(entrant, perSecond),
          middle(entrant, (run) => run.bytes / run.deliveries),
        ]),
        ['gateway : deflater per socket', times],
      ]),
    );
    bounds.push({
      what: `zlib-stream, ${name}, gateway : deflater per socket`,
      measured: times,
      unit: 'times',
      atLeast,
    });
  }
  return bounds;
}

/** Resident bytes that connections with this query cost before they identify, HELLO included. */
async function perConnection(app: AppProcess, inspector: Inspector, query: string): Promise<number> {
  const crowd = new Crowd({ at: app.door('WebSocket'), query, frames: 1 });
  const look = async (): Promise<number> => {
    await inspector.collectGarbage();
    return residentBytes(app.pid);
  };
  await crowd.grow(first);
  const before = await look();
  await crowd.grow(measured);
  await crowd.say(heartbeat, 1);
  const bytes = (await look()) - before;
  crowd.leave();
  return bytes / measured;
}

async function memory(url: string, say: (text: string) => void, closing: Closing): Promise<Bound[]> {
  const of = async (megabytes: string, query: string): Promise<number> => {
    const env = { COMPRESSION_CONTEXT_MB: megabytes, IDENTIFY_TIMEOUT: '10m' };
    const app = closing.add(await startGateway(url, true, env), (process) => process.kill());
    const inspector = await Inspector.of(app);
    const bytes = await perConnection(app, inspector, query);
    inspector.close();
    return bytes / 1024;
  };
  const json = await of('0', 'v=10&encoding=json');
  const shared = await of('0', zlib);
  const context = await of(plenty, zlib);
  const plain = closing.add(await startPlain('deflated'), (server) => server.stop());
  const crowd = closing.add(new Crowd({ at: plain.sockets, frames: 0 }), (all) => all.leave());
  const load = { server: plain, crowd, message: { name: 'X', data: '{}' }, seconds: 0.5 };
  await crowd.grow(first);
  await oneAtATime(load);
  const before = residentBytes(plain.pid);
  await crowd.grow(measured);
  await oneAtATime(load);
  const each = (residentBytes(plain.pid) - before) / measured / 1024;
  say(`\nResident KiB per connection, of ${measured} that did not identify:`);
  say(
    table([
      ['gateway, JSON', json],
      ['gateway, zlib-stream with shared blocks', shared],
      ['gateway, zlib-stream with a compressor', context],
      ['deflater per socket', each],
    ]),
  );
  return [
    { what: 'What shared blocks cost a connection', measured: shared - json, unit: 'KiB', below: 2 },
    { what: 'What a compressor costs a connection', measured: context - json, unit: 'KiB', below: 96 },
  ];
}

async function ratio(
  url: string,
  people: Population,
  say: (text: string) => void,
  closing: Closing,
): Promise<Bound[]> {
  const [guild] = people.guilds;
  const bytes = async (megabytes: string, query: string): Promise<number> => {
    const app = closing.add(
      await startGateway(url, false, { COMPRESSION_CONTEXT_MB: megabytes }),
      (process) => process.kill(),
    );
    const crowd = closing.add(await crowdOf(app, people, allIntents, query), (all) => all.leave());
    await crowd.grow(readers);
    await crowd.settled();
    const publisher = closing.add(streamTo(app.door('tunnel'), guild!.id, readers), (stream) =>
      stream.close(),
    );
    crowd.mark();
    for (const message of messagesOf(people)) {
      const acked = new Promise<void>((resolve) => publisher.publish(message, resolve));
      await Promise.race([publisher.failed, acked]);
    }
    await crowd.until(messages * readers);
    return crowd.bytes / crowd.frames;
  };
  const json = await bytes('0', 'v=10&encoding=json');
  const rows = [
    ['zlib-stream, shared blocks', await bytes('0', zlib)],
    ['zlib-stream, a compressor', await bytes(plenty, zlib)],
    ['etf and zlib-stream, a compressor', await bytes(plenty, zlib.replace('json', 'etf'))],
  ] as const;
  say(`\nBytes on the socket per message, ${messages} chat messages one by one:`);
  say(
    table([
      ['', 'bytes', 'ratio'],
      ['JSON', json, 1],
      ...rows.map(([name, size]) => [name, size, json / size]),
    ]),
  );
  return [
    {
      what: 'Message traffic, JSON : zlib-stream with a compressor',
      measured: json / rows[1][1],
      unit: 'times',
      atLeast: 5,
    },
  ];
}
