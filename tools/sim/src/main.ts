import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type FaultName, faultNames } from './faults';
import {
  type ClusterSource,
  type Outcome,
  type SimulationOptions,
  clusterSources,
  simulate,
} from './simulation';

const usage = `Usage: npm run sim [-- OPTION...]

  --seeds N       worlds to simulate (100)
  --first S       the first seed (1)
  --seed S        only this one
  --trace         with --seed: print what happens, each line with its time in ms
  --faults A,B    only these: ${faultNames.join(', ')}
  --cluster C     the member list is static, or in etcd (as the seed says)
  --jobs J        processes (as many as there are processors)
`;

/** Violations of one seed that are printed. */
const mostPrinted = 5;

interface Options {
  readonly first: number;
  readonly seeds: number;
  readonly single: boolean;
  readonly trace: boolean;
  readonly faults: readonly FaultName[] | undefined;
  readonly cluster: ClusterSource | undefined;
  readonly jobs: number;
}

function optionsOf(args: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: text,
      first: text,
      seed: text,
      faults: text,
      cluster: text,
      jobs: text,
      trace: flag,
      help: flag,
    },
  });
  if (values.help) return undefined;
  const first = Number(values.seed ?? values.first ?? 1);
  const seeds = values.seed === undefined ? Number(values.seeds ?? 100) : 1;
  const jobs = Number(values.jobs ?? availableParallelism());
  const faults = values.faults?.split(',') as FaultName[] | undefined;
  const cluster = clusterSources.find((source) => source === values.cluster);
  const isSound = [first, seeds, jobs].every((number) => Number.isSafeInteger(number) && number > 0);
  if (
    !isSound ||
    (values.cluster !== undefined && cluster === undefined) ||
    faults?.some((name) => !faultNames.includes(name))
  )
    throw new Error(usage);
  const { trace = false } = values;
  return { first, seeds, jobs, faults, cluster, trace, single: values.seed !== undefined };
}

/** Simulates in this process, one seed after the other. */
async function runHere(
  { first, seeds, faults, cluster, trace }: Options,
  done: (outcome: Outcome) => void,
): Promise<void> {
  for (let seed = first; seed < first + seeds; seed++) {
    const options: SimulationOptions = { seed, faults, cluster };
    done(await simulate(trace ? { ...options, trace: (line) => console.log(line) } : options));
  }
}

/** Shares the seeds among processes of this program. */
async function runShared(options: Options, done: (outcome: Outcome) => void): Promise<void> {
  const jobs = Math.min(options.jobs, options.seeds);
  const runs = Array.from({ length: jobs }, (_, job) => {
    const from = Math.floor((options.seeds * job) / jobs);
    const to = Math.floor((options.seeds * (job + 1)) / jobs);
    const args = ['--first', `${options.first + from}`, '--seeds', `${to - from}`, '--jobs', '1'];
    if (options.cluster) args.push('--cluster', options.cluster);
    if (options.faults) args.push('--faults', options.faults.join());
    const child = fork(__filename, args, { execArgv: process.execArgv });
    child.on('message', (outcome) => done(outcome as Outcome));
    return new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) =>
        code === 0 ? resolve() : reject(new Error(`a process ended with ${code}`)),
      );
    });
  });
  await Promise.all(runs);
}

function report({ seed, violations }: Outcome): void {
  for (const { at, law, what } of violations.slice(0, mostPrinted))
    console.log(`seed ${seed} at ${at.toFixed(1)} ms: ${law}: ${what}`);
  if (violations.length > mostPrinted)
    console.log(`seed ${seed}: ${violations.length - mostPrinted} more violations`);
  console.log(`  npm run sim -- --seed ${seed} --trace`);
}

async function main(): Promise<void> {
  const options = optionsOf(process.argv.slice(2));
  if (!options) return void console.log(usage);
  if (process.send) {
    const orphaned = (): never => process.exit(1);
    process.once('disconnect', orphaned);
    await runHere(options, (outcome) => void process.send?.(outcome));
    process.off('disconnect', orphaned);
    return process.disconnect();
  }
  const begun = performance.now();
  const bad: Outcome[] = [];
  let [published, dispatches, sessions] = [0, 0, 0];
  const done = (outcome: Outcome): void => {
    published += outcome.published;
    dispatches += outcome.dispatches;
    sessions += outcome.sessions;
    if (outcome.violations.length === 0) return;
    bad.push(outcome);
    report(outcome);
  };
  await (options.single || options.jobs === 1 ? runHere(options, done) : runShared(options, done));
  const seconds = (performance.now() - begun) / 1000;
  const count = (number: number): string => number.toLocaleString('en-US');
  console.log(
    `${count(options.seeds)} worlds in ${seconds.toFixed(1)} s: ${count(published)} events published, ${count(sessions)} sessions, ${count(dispatches)} dispatches`,
  );
  const seeds = bad.map(({ seed }) => seed).sort((one, other) => one - other);
  console.log(
    seeds.length === 0 ? 'every law held' : `laws were broken in ${seeds.length}: ${seeds.join(', ')}`,
  );
  process.exitCode = seeds.length === 0 ? 0 : 1;
}

void main();
