import { judgeConvergence, judgeEnds } from './ends';
import type { Incident } from './history';
import { sessionOf } from './history.fixture';

const leaseMs = 10_000;
const killed: Incident = {
  action: 'kill',
  role: 'session-node',
  nth: 0,
  at: 50_000,
  until: 52_000,
  sessions: 2,
};
const ended = (client: number, heardAt: number, at: number) =>
  sessionOf([], { client, heardAt, end: { at, why: 'op 9' } });

test('a killed session-node ends the sessions that it had, and no more', () => {
  const sessions = [1, 2].map((client) => ended(client, 50_100, 51_000));
  expect(judgeEnds(sessions, [killed], leaseMs)).toEqual({ violations: [], endedBy: new Map([[killed, 2]]) });
  const three = judgeEnds([...sessions, ended(3, 50_100, 51_000)], [killed], leaseMs);
  expect(three.violations).toMatchObject([{ kind: 'ended', client: 3 }]);
});

test('a session that ended before it, or was heard of long after it, ended for another reason', () => {
  expect(judgeEnds([ended(1, 48_000, 49_000)], [killed], leaseMs).violations).toHaveLength(1);
  expect(judgeEnds([ended(1, 58_000, 59_000)], [killed], leaseMs).violations).toHaveLength(1);
});

test('only session-nodes end sessions, killed or stopped for long; no drain does', () => {
  const others: Incident[] = [
    { ...killed, action: 'drain' },
    { ...killed, role: 'guild-node' },
    { ...killed, action: 'stop', until: killed.at + 2_000 },
  ];
  for (const incident of others)
    expect(judgeEnds([ended(1, 50_100, 51_000)], [incident], leaseMs).violations).toHaveLength(1);
  const long: Incident = { ...killed, action: 'stop', until: killed.at + 20_000 };
  expect(judgeEnds([ended(1, 50_100, 61_000)], [long], leaseMs).violations).toEqual([]);
});

test('a session that lives is nothing to explain', () => {
  expect(judgeEnds([sessionOf([])], [], leaseMs).violations).toEqual([]);
});

test('in the end each client has a session, and its session all guilds', () => {
  const at = 90;
  const all = (sessions: Parameters<typeof judgeConvergence>[0]) =>
    judgeConvergence(sessions, 2, () => [0], at).map(({ client, kind }) => [client, kind]);
  expect(all([sessionOf([], { client: 0 }), sessionOf([], { client: 1 })])).toEqual([]);
  expect(all([sessionOf([], { client: 0 }), ended(1, 1, 2)])).toEqual([[1, 'stuck']]);
  expect(all([sessionOf([], { client: 0 }), sessionOf([], { client: 1, enteredAt: new Map() })])).toEqual([
    [1, 'stuck'],
  ]);
});
