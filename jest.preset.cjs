const { readFileSync } = require('node:fs');
const { join, relative } = require('node:path');
const { swcOptions } = require('./swc.config.cjs');

const root = __dirname;
const { paths } = JSON.parse(readFileSync(join(root, 'tsconfig.base.json'), 'utf8')).compilerOptions;

/** The aliases of tsconfig.base.json, each for itself: an unknown alias fails as a missing module. */
const moduleNameMapper = Object.fromEntries(
  Object.entries(paths).map(([alias, [target]]) => [`^${alias}$`, join(root, target)]),
);

const swcTransform = swcOptions('commonjs');
delete swcTransform.configFile; // @swc/jest passes its own

/** The jest configuration of the project in `dir`. */
module.exports = (dir) => ({
  displayName: JSON.parse(readFileSync(join(dir, 'project.json'), 'utf8')).name,
  rootDir: dir,
  testEnvironment: 'node',
  testMatch: ['**/*.spec.ts'],
  moduleFileExtensions: ['ts', 'js', 'cjs', 'mjs', 'json', 'node'],
  moduleNameMapper,
  setupFiles: [require.resolve('reflect-metadata')],
  transform: { '^.+\\.ts$': [require.resolve('@swc/jest'), swcTransform] },
  cacheDirectory: join(root, 'node_modules/.cache/jest'),
  id: relative(root, dir),
  // Jest looks these up in the context of the test each time that code names them, unless they are handed in: the
  // simulator took 2.4 times as long. Not those that a package may declare for itself, as asn1js does Set.
  sandboxInjectedGlobals: [
    'Array',
    'BigInt',
    'JSON',
    'Map',
    'Math',
    'Number',
    'Object',
    'Promise',
    'String',
    'Symbol',
    'Uint8Array',
  ],
});
