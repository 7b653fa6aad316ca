const { existsSync, readdirSync } = require('node:fs');
const { join, relative } = require('node:path');

/** Every folder with a project.json and a jest.config.cjs. */
function projectsUnder(dir) {
  if (existsSync(join(dir, 'project.json'))) return existsSync(join(dir, 'jest.config.cjs')) ? [dir] : [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .flatMap((entry) => projectsUnder(join(dir, entry.name)));
}

module.exports = {
  // No test is about so long a time: a machine that is busy with others is no failure.
  testTimeout: 20_000,
  projects: ['libs', 'apps', 'tools', 'e2e']
    .flatMap((name) => projectsUnder(join(__dirname, name)))
    .map((dir) => `<rootDir>/${relative(__dirname, dir)}`),
};
