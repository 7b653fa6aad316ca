import { parseArgs } from 'node:util';
import type { FaultName } from './faults';
import { simulate } from './simulation';

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      seeds: text,
      first: text,
      seed: text,
      faults: text,
      trace: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const first = Number(values.seed ?? values.first ?? 1);
  const seeds = values.seed === undefined ? Number(values.seeds ?? 100) : 1;
  const begun = performance.now();
  let bad = 0,
    published = 0,
    dispatches = 0;
  const laws = new Map<string, number>();
  for (let seed = first; seed < first + seeds; seed++) {
    const outcome = await simulate({
      seed,
      faults: values.faults?.split(',') as FaultName[] | undefined,
      trace: values.trace ? (line) => console.log(line) : undefined,
    });
    published += outcome.published;
    dispatches += outcome.dispatches;
    if (outcome.violations.length > 0) bad++;
    for (const law of new Set(outcome.violations.map((v) => v.law))) laws.set(law, (laws.get(law) ?? 0) + 1);
    for (const { law, at, what } of outcome.violations.slice(0, values.seed ? 20 : 2))
      console.log(`seed ${seed} at ${at.toFixed(1)}: ${law}: ${what.slice(0, 400)}`);
  }
  const seconds = (performance.now() - begun) / 1000;
  console.log(
    `${seeds} seeds, ${bad} with violations, ${published} published, ${dispatches} dispatches, ${((seconds * 1000) / seeds).toFixed(0)} ms a seed`,
    [...laws],
  );
}
void main();
