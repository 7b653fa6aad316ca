import { hasEtcd } from '@derailed/testing';
import { runChaos } from './chaos';
import { parseOptions, usage } from './plan/options';
import { renderTable, renderViolations } from './report';

async function main(args: readonly string[]): Promise<void> {
  const options = parseOptions(args, Math.floor(Date.now() / 1000));
  if (options === undefined) return console.log(usage);
  if (!hasEtcd()) throw new Error('The chaos needs etcd and etcdctl (Debian: etcd-server, etcd-client).');
  console.log(`seed ${options.seed}`);
  const start = performance.now();
  const { rows, violations, begun } = await runChaos(options, (text) => {
    console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(7)} s  ${text}`);
  });
  console.log(`\n${renderTable(rows)}\n`);
  if (violations.length === 0) return console.log(`No violation. Seed ${options.seed}.`);
  console.error(`${renderViolations(violations, begun)}\nSeed ${options.seed}.`);
  process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
