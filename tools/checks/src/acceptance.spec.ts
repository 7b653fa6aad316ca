import { contractLines } from '@derailed/testing';
import { proofsIn, renderAcceptance } from './acceptance';

const all = Object.keys(contractLines);
const test = (lines: readonly string[]): string =>
  `describe('a client', () => { proves(${JSON.stringify(lines)}, 'does it', async () => {}); });`;
const spec = (body: string): string =>
  `import './acceptance/one.suite';\ndescribe.each(stages)('x', () => {});\n${body}`;

describe('the table of the client contract', () => {
  it('has the title of each test in its row', () => {
    const page = renderAcceptance(new Map([['e2e/src/a.e2e.spec.ts', spec(test(all))]]));
    for (const key of all)
      expect(page).toMatch(
        new RegExp(`^\\| \`${key}\` \\|.*a client does it \\(\\[a\\.e2e\\.spec\\.ts\\]`, 'm'),
      );
  });

  it('is not made while a line has no test', () => {
    const [missing = '', ...others] = all;
    const sources = new Map([['e2e/src/a.e2e.spec.ts', spec(test(others))]]);
    expect(() => renderAcceptance(sources)).toThrow(missing);
  });

  it.each([
    ['a suite that no spec imports', 'e2e/src/acceptance/other.suite.ts', spec('')],
    [
      'a suite whose spec knows one wiring',
      'e2e/src/acceptance/one.suite.ts',
      "import './acceptance/one.suite';",
    ],
  ])('is not made of %s', (_, file, text) => {
    const sources = new Map([
      [file, test(all)],
      ['e2e/src/a.e2e.spec.ts', text],
    ]);
    expect(() => renderAcceptance(sources)).toThrow(file);
  });

  it('reads lines and titles from where they stand', () => {
    expect(
      proofsIn('x.ts', "describe('a', () => { provesEach(['b', 'c'], 'd %s', cases, f); it('no', f); });"),
    ).toEqual([{ lines: ['b', 'c'], title: 'a d %s', file: 'x.ts' }]);
  });
});
