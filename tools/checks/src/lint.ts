import { ESLint } from 'eslint';
import { CheckFailed, root, run } from './exec';

const skipped = 'No cached ProjectGraph is available';

/**
 * Lints through nx. Without a cached project graph the boundary rule only prints a warning and lets
 * everything pass, so that warning is a failure here.
 */
export async function lint(args: readonly string[]): Promise<void> {
  const { code, output } = await run('nx', ['run-many', '-t', 'lint', '--output-style=static', ...args], {
    show: true,
  });
  if (output.includes(skipped)) {
    throw new CheckFailed(
      'the boundary rule was skipped, for want of a project graph: run `npx nx reset` and try again',
    );
  }
  if (code !== 0) throw new CheckFailed('lint found problems');
}

interface Probe {
  readonly file: string;
  readonly code: string;
  /** The rule that has to object, or undefined when none may. */
  readonly rule: string | undefined;
}

const boundary = '@nx/enforce-module-boundaries';
const guildCore = 'libs/guild/core/src/index.ts';
const probes: readonly Probe[] = [
  { file: guildCore, code: "import '@derailed/shared/kernel';", rule: undefined },
  { file: guildCore, code: "import '@derailed/audience/core';", rule: undefined },
  { file: guildCore, code: "import '@derailed/session/core';", rule: boundary },
  { file: guildCore, code: "import '@derailed/shared/contract';", rule: boundary },
  { file: guildCore, code: "import '@derailed/platform/mesh';", rule: boundary },
  { file: guildCore, code: "import '@derailed/testing';", rule: boundary },
  { file: guildCore, code: "import 'zod';", rule: boundary },
  { file: guildCore, code: "import 'node:fs';", rule: 'no-restricted-imports' },
  { file: guildCore, code: 'export const t = Date.now();', rule: 'no-restricted-properties' },
  { file: guildCore, code: 'export const t = setTimeout(String, 1);', rule: 'no-restricted-globals' },
  { file: 'libs/guild/node/src/index.ts', code: "import '@derailed/guild/core';", rule: undefined },
  { file: 'libs/guild/node/src/index.ts', code: "import '@derailed/session/node';", rule: boundary },
  { file: 'libs/platform/mesh/src/index.ts', code: "import '@derailed/guild/core';", rule: boundary },
  { file: 'libs/platform/mesh/src/index.ts', code: "import '@derailed/guild/node';", rule: boundary },
  { file: 'libs/testing/src/index.ts', code: "import '@derailed/session/core';", rule: boundary },
  { file: 'apps/guild-node/src/main.ts', code: "import '@derailed/guild/node';", rule: undefined },
  { file: 'apps/guild-node/src/main.ts', code: "import '../../gateway/src/main';", rule: boundary },
  { file: 'apps/guild-node/src/main.ts', code: "import '@derailed/testing';", rule: boundary },
];

/** Shows the linter imports that it has to refuse, and some that it has to accept. */
export async function rulesAreAwake(): Promise<void> {
  const eslint = new ESLint({ cwd: root });
  const wrong: string[] = [];
  for (const { file, code, rule } of probes) {
    const [result] = await eslint.lintText(`${code}\n`, { filePath: `${root}/${file}` });
    const rules = new Set((result?.messages ?? []).map((message) => message.ruleId));
    if (rule !== undefined && !rules.has(rule)) wrong.push(`${rule} does not object to ${code} in ${file}`);
    if (rule === undefined && rules.has(boundary)) wrong.push(`${boundary} objects to ${code} in ${file}`);
  }
  if (wrong.length > 0) throw new CheckFailed(wrong.join('\n'));
}
