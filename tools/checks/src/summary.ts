import { readFileSync } from 'node:fs';

/** What `jest --json` writes, as far as it is read here. */
interface JestReport {
  testResults: {
    name: string;
    message: string;
    status: string;
    assertionResults: { fullName: string; status: string }[];
  }[];
}

export const testKinds = ['core', 'contract', 'e2e'] as const;
export type TestKind = (typeof testKinds)[number];

export interface Counts {
  passed: number;
  failed: number;
  readonly failures: string[];
}

/** The kind of a test is said by its file name: x.e2e.spec.ts, x.contract.spec.ts, x.spec.ts. */
export function kindOf(file: string): TestKind {
  if (file.endsWith('.e2e.spec.ts')) return 'e2e';
  return file.endsWith('.contract.spec.ts') ? 'contract' : 'core';
}

/** Counts by kind. A file that could not run at all counts as one failure. */
export function summarise(report: JestReport): Record<TestKind, Counts> {
  const counts: Record<TestKind, Counts> = {
    core: { passed: 0, failed: 0, failures: [] },
    contract: { passed: 0, failed: 0, failures: [] },
    e2e: { passed: 0, failed: 0, failures: [] },
  };
  for (const file of report.testResults) {
    const count = counts[kindOf(file.name)];
    const failed = file.assertionResults.filter(({ status }) => status === 'failed');
    count.passed += file.assertionResults.filter(({ status }) => status === 'passed').length;
    count.failed += failed.length;
    count.failures.push(...failed.map(({ fullName }) => `${file.name}: ${fullName}`));
    if (file.status === 'failed' && failed.length === 0) {
      count.failed += 1;
      count.failures.push(`${file.name}: ${file.message}`);
    }
  }
  return counts;
}

/** Prints a section per kind and, as the last line, the sums as `PASSED FAILED`. */
export function printSummary(file: string): void {
  const counts = summarise(JSON.parse(readFileSync(file, 'utf8')) as JestReport);
  for (const kind of testKinds) {
    const { passed, failed, failures } = counts[kind];
    console.log(`== ${kind}: ${passed} passed, ${failed} failed`);
    for (const failure of failures) console.log(`   ${failure}`);
  }
  const sum = (key: 'passed' | 'failed'): number =>
    testKinds.reduce((total, kind) => total + counts[kind][key], 0);
  console.log(`${sum('passed')} ${sum('failed')}`);
}
