import type { ContractLine } from '@derailed/testing';

/**
 * A test that proves lines of the client contract. The check that every line has one reads these calls, so the lines
 * and the title are literals.
 */
export function proves(
  lines: readonly ContractLine[],
  title: string,
  test: () => Promise<void> | void,
  ms?: number,
): void {
  it(`${title} [${lines.join(' ')}]`, async () => void (await test()), ms);
}

/**
 * The same test for each of a few cases; `%s` in the title is the case's first value. Without a case, where something
 * is not installed, it is skipped.
 */
export function provesEach<T extends readonly unknown[]>(
  lines: readonly ContractLine[],
  title: string,
  cases: readonly T[],
  test: (...values: T) => Promise<void> | void,
): void {
  const name = `${title} [${lines.join(' ')}]`;
  if (cases.length === 0) it.skip(name, () => undefined);
  else
    it.each(cases as unknown as readonly unknown[][])(name, (...values) => test(...(values as unknown as T)));
}
