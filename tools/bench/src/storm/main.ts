import { parseArgs } from 'node:util';
import { type Bound, breach } from '../report';
import { planOf, storm } from './storm';
import { startApart, startComposed } from './wirings';

const usage = `Usage: npm run storm [-- OPTION...]

  --clients N   how many identify at once (10000)
  --composed    only with all roles in one process
  --apart       only with a process for each role
`;

async function main(): Promise<void> {
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    options: { clients: { type: 'string' }, composed: flag, apart: flag, help: flag },
  });
  if (values.help) return console.log(usage);
  const clients = Number(values.clients ?? 10_000);
  if (!Number.isSafeInteger(clients) || clients < 1) throw new Error('--clients must be a whole number.');
  const both = !values.composed && !values.apart;
  const plan = planOf(clients);
  const bounds: Bound[] = [];
  const say = (text: string): void => console.log(text);
  if (both || values.composed)
    bounds.push(...(await storm('all roles in one process', (closing) => startComposed(plan, closing), say)));
  if (both || values.apart)
    bounds.push(...(await storm('a process for each role', (closing) => startApart(plan, closing), say)));
  const breaches = bounds.flatMap((bound) => breach(bound) ?? []);
  console.log(`\n${bounds.length - breaches.length} of ${bounds.length} bounds hold.`);
  for (const sentence of breaches) console.error(sentence);
  if (breaches.length > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
