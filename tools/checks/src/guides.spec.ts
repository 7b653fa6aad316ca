import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { guidePages, knownNames, pageFindings } from './guides';

const root = join(__dirname, '../../..');
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');
const watching = 'docs/guides/watching.md';

describe('the guides', () => {
  const known = knownNames();

  it.each(guidePages())('%s names only what is there', (page) => {
    expect(pageFindings(page, textOf(page), known)).toEqual([]);
  });

  it('would be wrong when a metric, a setting, a file or a page were called something else', () => {
    const without = (set: ReadonlySet<string>, name: string) =>
      new Set([...set].filter((one) => one !== name));
    const metric = 'derailed_gateway_publish_to_flush_seconds';
    expect(
      pageFindings(watching, textOf(watching), { ...known, metrics: without(known.metrics, metric) }),
    ).toEqual([`${watching}: there is no metric ${metric}_bucket`]);
    const setting = 'PUBLISHES_IN_FLIGHT';
    expect(
      pageFindings(watching, textOf(watching), { ...known, settings: without(known.settings, setting) }),
    ).toEqual([`${watching}: ${setting} is no setting`]);
    expect(pageFindings(watching, textOf(watching), { ...known, exists: () => false })).toContain(
      `${watching}: the link to ../reference/tables.md leads nowhere`,
    );
    expect(pageFindings('x.md', 'see deploy/helm/values.yaml', known)).toEqual([
      'x.md: there is no deploy/helm/values.yaml',
    ]);
  });

  it('explain an alarm for each metric that says that something is away, was lost or was refused', () => {
    const alarming = [...known.metrics].filter((name) =>
      /_up$|_gaps_|_lost_|_failures_|_refused_total$/.test(name),
    );
    const missing = alarming.filter((name) => !textOf(watching).includes(name));
    expect(missing).toEqual([]);
  });
});
