import { Client } from 'pg';
import { type Answer, Asker } from './asker';
import { createTokens, crowdOf, heartbeat, startGateway } from './gateway';
import { atRate } from './load';
import { message } from './message';
import { residentBytes } from './process-cpu';
import { median, percentile, table } from './report';
import { type Scenario, allIntents, unprivilegedIntents, withDatabase } from './scenario';
import { timed } from './timed';
import { streamTo } from './tunnel';

const memberCount = 100_000;
/** Sessions of the guild that its events go to meanwhile. */
const listeners = 100;
/** Events a second. */
const rate = 50;
/** Searches that are asked for in one stretch: a connection may send 120 payloads a minute. */
const searched = 100;
/** Milliseconds. */
const slowest = 50;
/** MB: a page and its garbage, and the 16 MiB that the asking session keeps for a resume. */
const mostGrowth = 128;

/** Names that begin with any of 256 pairs, and a nick for every tenth: what a search by prefix has to find its way in. */
async function name(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`UPDATE users SET username = md5(id::text)`);
  await client.query(`UPDATE members SET nick = md5('nick' || user_id) WHERE user_id % 10 = 0`);
  await client.query('VACUUM ANALYZE');
  await client.end();
}

/** The most that the process has resident while `work` runs, in bytes. */
async function peakOf<T>(pid: number, work: () => Promise<T>): Promise<{ peak: number; result: T }> {
  let peak = residentBytes(pid);
  const look = setInterval(() => (peak = Math.max(peak, residentBytes(pid))), 20);
  try {
    return { result: await work(), peak };
  } finally {
    clearInterval(look);
  }
}

/** Request Guild Members in a guild of 100,000, and what it does to the guild's own events. */
export const members: Scenario = async ({ seconds, rounds }, say) =>
  withDatabase([{ users: memberCount, guilds: 1 }], async (url, [people], closing) => {
    await name(url);
    const app = closing.add(await startGateway(url, false, { MEMBER_LIST_INTERVAL: '0' }), (process) =>
      process.stop(),
    );
    const guild = people!.guilds[0]!;
    const some = { ...people!, users: people!.users.slice(0, listeners + 1) };
    const crowd = closing.add(await crowdOf(app, some, unprivilegedIntents), (all) => all.leave());
    await crowd.grow(listeners);
    const [token] = await createTokens(app.door('auth'), some.users.slice(-1));
    const asker = closing.add(await Asker.open(app.door('WebSocket'), token!, allIntents), (one) =>
      one.leave(),
    );
    const publisher = closing.add(streamTo(app.door('tunnel'), guild.id, listeners + 1), (stream) =>
      stream.close(),
    );
    const load = {
      server: { name: 'gateway', pid: app.pid, publisher },
      crowd,
      message: message(guild.id, guild.channelId),
      seconds,
    };
    const during = (): Promise<Float64Array> =>
      timed(crowd, (onPublish) => atRate(load, rate, onPublish)).then((waits) => waits.sort());
    const whole = (): Promise<Answer> => asker.request(guild.id, { query: '', limit: 0 });
    const prefix = (): Promise<Answer> => {
      const start = Math.floor(Math.random() * 256)
        .toString(16)
        .padStart(2, '0');
      return asker.request(guild.id, { query: start.toUpperCase(), limit: 100 });
    };
    /** Asks again and again, `pause` ms between, while the guild's events are measured. */
    const beside = async (
      ask: () => Promise<Answer>,
      pause = 0,
    ): Promise<{ answers: Answer[]; waits: Float64Array }> => {
      let over = false;
      const answers: Answer[] = [];
      const asking = (async () => {
        while (!over) {
          answers.push(await ask());
          if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
        }
      })();
      const waits = await during();
      over = true;
      await asking;
      return { answers, waits };
    };

    await crowd.settled();
    await crowd.say(heartbeat, 1);
    await during();
    await whole();
    const alone = await during();
    const before = residentBytes(app.pid);
    const lists = await peakOf(app.pid, async () => {
      const all: Awaited<ReturnType<typeof beside>>[] = [];
      for (let round = 0; round < rounds; round++) all.push(await beside(whole));
      return all;
    });
    asker.beat();
    await crowd.say(heartbeat, 1);
    const searches = await beside(prefix, (seconds * 1000) / searched);

    const listed = lists.result.flatMap(({ answers }) => answers);
    const short = listed.find((answer) => answer.members !== memberCount);
    if (short !== undefined) throw new Error(`a list of ${memberCount} members has ${short.members}`);
    if (searches.answers.some((answer) => answer.members !== 100)) throw new Error('a search found too few');
    const besideLists = Float64Array.from(lists.result.flatMap(({ waits }) => [...waits])).sort();
    const growth = (lists.peak - before) / 1e6;

    say(`\nRequest Guild Members in a guild of ${memberCount}, ms:`);
    say(
      table([
        ['', 'median', 'slowest', 'requests'],
        answersRow(`all members, ${listed[0]?.chunks ?? 0} chunks`, listed),
        answersRow('by prefix, of username or nick', searches.answers),
      ]),
    );
    say(
      `\nThe guild's own events meanwhile, ${listeners} sessions, ${rate} events / s, publish to receive, ms:`,
    );
    say(
      table([
        ['', 'p50', 'p99', 'max'],
        waitsRow('nobody asks', alone),
        waitsRow('all members, again and again', besideLists),
        waitsRow('by prefix, again and again', searches.waits),
      ]),
    );
    say(
      `\nResident memory of the server: ${Math.round(before / 1e6)} MB before, ${Math.round(lists.peak / 1e6)} MB at most ` +
        `while ${listed.length} lists of all members were streamed.`,
    );
    return [
      {
        what: "p99 of a guild's events beside lists of all members",
        measured: percentile(besideLists, 0.99),
        unit: 'ms',
        below: slowest,
      },
      {
        what: "p99 of a guild's events beside searches by prefix",
        measured: percentile(searches.waits, 0.99),
        unit: 'ms',
        below: slowest,
      },
      {
        what: 'Growth of memory while lists of all members are streamed',
        measured: growth,
        unit: 'MB',
        below: mostGrowth,
      },
    ];
  });

function answersRow(what: string, answers: readonly Answer[]): (string | number)[] {
  const times = answers.map(({ ms }) => ms);
  return [what, median(times), Math.max(...times), times.length];
}

function waitsRow(what: string, sorted: Float64Array): (string | number)[] {
  return [what, percentile(sorted, 0.5), percentile(sorted, 0.99), sorted.at(-1) ?? NaN];
}
