import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { Code } from '@derailed/shared/kernel';
import { Registry, collectDefaultMetrics } from 'prom-client';
import { CheckFailed, root } from './exec';
import { filesUnder } from './files';

/** Names that a guide may use. */
export interface Known {
  readonly settings: ReadonlySet<string>;
  readonly metrics: ReadonlySet<string>;
  /** Whether a path, from the root of the repository, is there. */
  readonly exists: (path: string) => boolean;
}

/** In capitals, and neither settings nor codes of gRPC. */
const others = new Set(['NODE_OPTIONS', 'NODE_ENV', 'POD_NAME', 'POSTGRES_PASSWORD']);

/** Variables, metrics, links and files that a page names, and that are not there; a line each. */
export function pageFindings(page: string, text: string, { settings, metrics, exists }: Known): string[] {
  const each = (pattern: RegExp): string[] => [
    ...new Set([...text.matchAll(pattern)].map(([whole, group]) => group ?? whole)),
  ];
  const variables = each(/(?<![\w-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?!\w)/g);
  const names = each(/(?<!\w)(?:derailed|nodejs|process)_[a-z0-9_]+/g);
  const links = each(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g);
  const files = each(/(?<![\w./-])deploy\/\w[\w@./-]*\w/g);
  return [
    ...variables
      .filter((name) => !settings.has(name) && !others.has(name) && !Object.hasOwn(Code, name))
      .map((name) => `${page}: ${name} is no setting`),
    ...names
      .filter((name) => !metrics.has(name) && !metrics.has(name.replace(/_(bucket|sum|count)$/, '')))
      .map((name) => `${page}: there is no metric ${name}`),
    ...links
      .filter((link) => !exists(normalize(join(dirname(page), link))))
      .map((link) => `${page}: the link to ${link} leads nowhere`),
    ...files.filter((file) => !exists(file)).map((file) => `${page}: there is no ${file}`),
  ];
}

/** What docs/reference says that there is; those pages are held against the running apps. */
export function knownNames(): Known {
  const firstCells = (page: string): string[] =>
    [...readFileSync(join(root, 'docs/reference', page), 'utf8').matchAll(/^\| (\w+) \|/gm)].map(
      ([, name = '']) => name,
    );
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const nodes = registry.getMetricsAsArray().map(({ name }) => name);
  registry.clear();
  return {
    settings: new Set(firstCells('config.md')),
    metrics: new Set([...firstCells('metrics.md'), ...nodes]),
    exists: (path) => existsSync(join(root, path)),
  };
}

export const guidePages = (): string[] => [
  ...filesUnder('docs/guides', '.md'),
  ...filesUnder('deploy', '.md'),
];

export function guidesHold(): Promise<string> {
  const known = knownNames();
  const pages = guidePages();
  const findings = pages.flatMap((page) => pageFindings(page, readFileSync(join(root, page), 'utf8'), known));
  if (findings.length > 0) throw new CheckFailed(findings.join('\n'));
  return Promise.resolve(`${pages.length} pages`);
}
