import { crowdOf, startPair } from './gateway';
import { saturate } from './load';
import { message } from './message';
import { readMetric } from './metrics';
import { table } from './report';
import { type Scenario, allIntents, withDatabase } from './scenario';
import { streamTo } from './tunnel';

/** Bytes on the way of an event, with the guild in another process than the sessions. */
export const bytes: Scenario = async ({ sessions, seconds }, say) =>
  withDatabase([{ users: sessions, guilds: 1 }], async (url, [people], closing) => {
    const [guild] = people!.guilds;
    const { clients, guilds } = await startPair(url);
    closing.add(clients, (app) => app.stop());
    closing.add(guilds, (app) => app.stop());
    const crowd = closing.add(await crowdOf(clients, people!, allIntents), (all) => all.leave());
    const publisher = closing.add(streamTo(guilds.door('tunnel'), guild!.id, sessions), (stream) =>
      stream.close(),
    );
    await crowd.grow(sessions);
    await crowd.settled();
    const sent = (): Promise<number[]> =>
      Promise.all(
        [guilds, clients].map((app) =>
          readMetric(app.door('admin'), 'derailed_mesh_bytes_total', 'direction="out"'),
        ),
      );
    const before = await sent();
    const text = message(guild!.id, guild!.channelId);
    const run = await saturate(
      { server: { name: 'gateway', pid: clients.pid, publisher }, crowd, message: text, seconds },
      64,
    );
    const after = await sent();
    const [there, back] = after.map((total, at) => (total - before[at]!) / run.events) as [number, number];
    say(
      `\nBytes, ${sessions} sessions in one process, their guild in another (${run.events} events, ${Buffer.byteLength(text.data)} bytes of data each):`,
    );
    say(
      table([
        ['sockets, per delivery', run.bytes / run.deliveries],
        ['between nodes, per event: guild to sessions', there],
        ['between nodes, per event: acks back', back],
      ]),
    );
    return [];
  });
