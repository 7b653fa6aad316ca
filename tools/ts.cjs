/**
 * Lets Node run the TypeScript of this repository: `node -r ./tools/ts.cjs some/file.ts`.
 * Compiles with swc on load and knows the aliases of tsconfig.base.json. For tools only: what is
 * shipped is bundled.
 */
const { readFileSync } = require('node:fs');
const Module = require('node:module');
const { join, sep } = require('node:path');
const { transformSync } = require('@swc/core');
const { swcOptions } = require('../swc.config.cjs');

const root = join(__dirname, '..');
const { paths } = JSON.parse(readFileSync(join(root, 'tsconfig.base.json'), 'utf8')).compilerOptions;

const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  const target = Object.hasOwn(paths, request) ? join(root, paths[request][0]) : request;
  return resolveFilename.call(this, target, ...rest);
};

Module._extensions['.ts'] = (module, filename) => {
  if (filename.includes(`${sep}node_modules${sep}`)) throw new Error(`not ours to compile: ${filename}`);
  const { code } = transformSync(readFileSync(filename, 'utf8'), { ...swcOptions('commonjs'), filename });
  module._compile(code, filename);
};

process.setSourceMapsEnabled(true);
require('reflect-metadata');
