import { actions, targets } from './faults';
import { parseOptions } from './options';

test('without flags it is what the documents promise: 1,000 clients, each in 5 of 200 guilds, 500 events a second', () => {
  expect(parseOptions([], 7)).toEqual({
    seconds: 60,
    seed: 7,
    clients: 1000,
    guilds: 200,
    guildsEach: 5,
    rate: 500,
    nodes: 2,
    workers: 2,
    actions,
    roles: targets,
  });
});

test('the small profile, and what is said besides it', () => {
  expect(
    parseOptions(['--small', '--clients', '50', '--seed', '0', '--actions', 'drain,kill'], 7),
  ).toMatchObject({
    clients: 50,
    guilds: 20,
    rate: 50,
    workers: 1,
    seed: 0,
    actions: ['drain', 'kill'],
  });
  expect(parseOptions(['--actions', 'none'], 7)?.actions).toEqual([]);
  expect(parseOptions(['--help'], 7)).toBeUndefined();
});

test.each([
  [['--seconds', '0'], '--seconds must be a whole number, 1 or more.'],
  [['--nodes', '1'], '--nodes must be a whole number, 2 or more.'],
  [
    ['--roles', 'auth'],
    '--roles knows session-node, guild-node, presence-node, ws-gateway, tunnel, etcd, postgres, not auth.',
  ],
  [['--guilds', '3'], '--guilds-each must be at most --guilds.'],
])('%j is refused in one sentence', (args, sentence) => {
  expect(() => parseOptions(args, 7)).toThrow(sentence);
});
