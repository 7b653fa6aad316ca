import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

const root = dirname(fileURLToPath(import.meta.url));

/** Roots of the projects that carry `tag`: the rules follow the tags, not a second list of folders. */
function projectsTagged(tag) {
  return ['apps', 'libs', 'tools', 'e2e']
    .flatMap((dir) => readdirSync(join(root, dir), { recursive: true }).map((file) => join(root, dir, file)))
    .filter((file) => file.endsWith('/project.json') && !file.includes('/node_modules/'))
    .filter((file) => (JSON.parse(readFileSync(file, 'utf8')).tags ?? []).includes(tag))
    .map((file) => relative(root, dirname(file)));
}
const filesTagged = (tag) => projectsTagged(tag).map((dir) => `${dir}/**/*.ts`);

const tests = ['**/*.spec.ts', '**/*.fixture.ts'];
const generated = ['libs/shared/contract/src/generated/**'];

// ------------------------------------------------------------------ who may import whom

const scopes = {
  shared: ['shared'],
  audience: ['shared', 'audience'],
  platform: ['shared', 'platform'],
  ...Object.fromEntries(
    ['gateway', 'session', 'guild', 'presence', 'tunnel', 'auth'].map((own) => [
      own,
      ['shared', 'platform', 'audience', own],
    ]),
  ),
  testing: ['shared', 'platform', 'testing'],
};
const everythingButApps = [...Object.keys(scopes), 'tools', 'e2e'];
scopes.app = everythingButApps;
scopes.e2e = everythingButApps;
scopes.tools = everythingButApps;

const types = {
  core: ['core'],
  contract: ['contract'],
  platform: ['core', 'contract', 'platform'],
  feature: ['core', 'contract', 'platform'],
  app: ['core', 'contract', 'platform', 'feature'],
  testing: ['core', 'contract', 'platform', 'testing'],
  e2e: ['core', 'contract', 'platform', 'feature', 'testing', 'tool', 'e2e'],
  tool: ['core', 'contract', 'platform', 'feature', 'testing', 'tool'],
};

/** The packages that a type may use; a type that is not named here may use every direct dependency. */
const packages = {
  core: ['tslib'],
  contract: ['tslib', '@bufbuild/protobuf', '@bufbuild/protobuf/*', '@grpc/grpc-js'],
};

function boundaries({ forTests }) {
  const constraint = (kind, name, targets) => ({
    sourceTag: `${kind}:${name}`,
    onlyDependOnLibsWithTags: [...new Set(forTests ? [...targets, 'testing'] : targets)].map(
      (target) => `${kind}:${target}`,
    ),
    ...(kind === 'type' && packages[name] && !forTests ? { allowedExternalImports: packages[name] } : {}),
  });
  return [
    'error',
    {
      allow: ['../../../swc.config.cjs', '../../../../package.json'],
      banTransitiveDependencies: true,
      enforceBuildableLibDependency: false,
      // A spec may use @derailed/testing, which itself uses the platform: a circle of projects, but
      // not of modules. Circles without specs are found by tools/checks.
      ignoredCircularDependencies: [['*', 'testing']],
      depConstraints: [
        ...Object.entries(scopes).map(([name, targets]) => constraint('scope', name, targets)),
        ...Object.entries(types).map(([name, targets]) => constraint('type', name, targets)),
      ],
    },
  ];
}

// ------------------------------------------------------------------ what a core may touch

const impure = 'A core is pure: time, chance and the outside world come in as arguments.';
const coreRules = {
  'no-restricted-imports': [
    'error',
    {
      patterns: [
        {
          regex: String.raw`^(?!\.{1,2}(/|$)|@derailed/|tslib$)`,
          message: 'A core imports other cores only: no packages, no Node built-ins.',
        },
        { regex: String.raw`\.fixture$`, message: 'Fixtures are for specs.' },
      ],
    },
  ],
  'no-restricted-globals': [
    'error',
    ...[
      'process',
      'setTimeout',
      'setInterval',
      'setImmediate',
      'clearTimeout',
      'clearInterval',
      'clearImmediate',
      'queueMicrotask',
      'performance',
      'Buffer',
      'require',
      'module',
      '__dirname',
      '__filename',
      'global',
      'globalThis',
      'crypto',
      'fetch',
      'WebSocket',
    ].map((name) => ({ name, message: impure })),
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: impure },
    { object: 'Math', property: 'random', message: impure },
  ],
  'no-restricted-syntax': [
    'error',
    { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: impure },
    { selector: 'CallExpression[callee.name="Date"]', message: impure },
    { selector: 'ImportExpression', message: 'A core loads nothing at run time.' },
  ],
};

// ------------------------------------------------------------------ the configuration

export default tseslint.config(
  {
    ignores: [
      '**/node_modules',
      'dist',
      'tmp',
      'coverage',
      '.nx',
      '.venv',
      '**/*.cjs',
      '**/*.mjs',
      '**/*.js',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strict],
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    rules: {
      '@nx/enforce-module-boundaries': boundaries({ forTests: false }),
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/ban-ts-comment': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // Nest modules are classes without a body; indexed access is checked by the compiler.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true, allowEmpty: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', { max: 400 }],
      'no-console': 'error',
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: String.raw`\.fixture$`, message: 'Fixtures are for specs.' }] },
      ],
      'prefer-const': 'error',
    },
  },
  { files: filesTagged('type:core'), ignores: tests, rules: coreRules },
  {
    files: tests,
    rules: {
      '@nx/enforce-module-boundaries': boundaries({ forTests: true }),
      'no-restricted-imports': 'off',
    },
  },
  { files: filesTagged('scope:tools'), rules: { 'no-console': 'off' } },
  {
    files: generated,
    extends: [tseslint.configs.disableTypeChecked],
    linterOptions: { reportUnusedDisableDirectives: 'off' },
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unused-vars': 'off',
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/no-empty-object-type': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      'max-lines': 'off',
      'prefer-const': 'off',
      eqeqeq: 'off',
    },
  },
  prettier,
);
