import { parseCommandLine } from './command-line';

describe('parseCommandLine', () => {
  it('makes --roles the setting ROLES', () => {
    expect(parseCommandLine(['--roles', 'tunnel,guild-node']).overrides).toEqual({
      ROLES: 'tunnel,guild-node',
    });
  });

  it('refuses a flag that does not exist in one sentence', () => {
    expect(() => parseCommandLine(['--role'])).toThrow(
      "Unknown option '--role'; --help shows what there is.",
    );
  });
});
