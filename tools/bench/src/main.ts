import { build } from './build';
import { bytes } from './bytes';
import { compression } from './compression';
import { fanOut } from './fan-out';
import { latency } from './latency';
import { members } from './members';
import { memory } from './memory';
import { run as meshHop } from './mesh-hop.bench';
import { moves } from './moves';
import { parseOptions, usage } from './options';
import { pressure } from './pressure';
import { type Bound, breach } from './report';
import { run as ringLookup } from './ring-lookup.bench';
import type { Scenario } from './scenario';

/** In the order in which they run. */
const scenarios: Readonly<Record<string, Scenario>> = {
  'fan-out': fanOut,
  compression,
  latency,
  bytes,
  memory,
  members,
  pressure,
  moves,
  'mesh-hop': async (_options, say) => {
    say('');
    await meshHop();
    return [];
  },
  'ring-lookup': async (_options, say) => {
    say('');
    ringLookup();
    return [];
  },
};

async function main(args: readonly string[]): Promise<void> {
  const { names, options, help } = parseOptions(args);
  const unknown = names.find((name) => !Object.hasOwn(scenarios, name));
  if (help || unknown !== undefined) {
    console.log(`${usage}\nNames: ${Object.keys(scenarios).join(', ')}; none runs all.`);
    if (unknown !== undefined) throw new Error(`There is no bench ${unknown}.`);
    return;
  }
  await build('gateway');
  const bounds: Bound[] = [];
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (names.length > 0 && !names.includes(name)) continue;
    bounds.push(
      ...(await scenario(options, (text) => {
        console.log(text);
      })),
    );
  }
  const breaches = bounds.map(breach).filter((sentence) => sentence !== undefined);
  console.log(`\n${bounds.length - breaches.length} of ${bounds.length} bounds hold.`);
  for (const sentence of breaches) console.error(sentence);
  if (breaches.length > 0) process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
