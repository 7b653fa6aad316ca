import { crowdOf, startGateway } from './gateway';
import { Inspector } from './inspector';
import { residentBytes } from './process-cpu';
import { table } from './report';
import { type Scenario, unprivilegedIntents, withDatabase } from './scenario';

const guildsEach = 5;
/** Sessions that are there before the first look: guilds are loaded, code is compiled, pools are filled. */
const first = 200;

/** What an idle session costs, with its connection, its user and its subscriptions. */
export const memory: Scenario = async ({ idle }, say) =>
  withDatabase([{ users: first + idle, guilds: guildsEach }], async (url, [people], closing) => {
    const app = closing.add(await startGateway(url, true), (process) => process.stop());
    const inspector = closing.add(await Inspector.of(app), (open) => open.close());
    const look = async (): Promise<{ resident: number; heap: number; external: number }> => {
      await inspector.collectGarbage();
      const { heapUsed, external } = await inspector.memory();
      return { resident: residentBytes(app.pid), heap: heapUsed, external };
    };
    const crowd = closing.add(await crowdOf(app, people!, unprivilegedIntents), (all) => all.leave());
    const empty = await look();
    await crowd.grow(first);
    await crowd.settled();
    const before = await look();
    await crowd.grow(idle);
    await crowd.settled();
    const after = await look();
    const each = (from: typeof before, count: number): number[] =>
      [after.resident - from.resident, after.heap - from.heap, after.external - from.external].map(
        (bytes) => bytes / count / 1000,
      );
    const perSession = each(before, idle);
    say(`\nMemory per identified session in ${guildsEach} guilds, in KB, after collecting garbage:`);
    say(
      table([
        ['', 'resident', 'heap', 'buffers'],
        [`${idle} sessions beside ${first}`, ...perSession],
        [`${idle + first} sessions, and all else since the start`, ...each(empty, idle + first)],
      ]),
    );
    return [{ what: 'Server memory of an idle session', measured: perSession[0]!, unit: 'KB', below: 20 }];
  });
