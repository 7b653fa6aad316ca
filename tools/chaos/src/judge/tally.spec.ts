import { renderTable, renderViolations } from '../report';
import type { Incident, Violation } from './history';
import { logOf } from './history.fixture';
import { tally } from './tally';

const roles = ['guild-node', 'tunnel'];
const incidents: Incident[] = [
  { action: 'kill', role: 'guild-node', nth: 0, at: 10_000, until: 11_000 },
  { action: 'drain', role: 'tunnel', nth: 1, at: 20_000, until: 21_000 },
];
const violations: Violation[] = [
  { kind: 'lost', at: 15_000, what: 'a' },
  { kind: 'doubled', at: 20_500, what: 'b' },
  { kind: 'out of order', at: 5_000, what: 'c' },
  { kind: 'leaked', at: 19_500, what: 'd' },
  { kind: 'seq', at: 15_000, what: 'e' },
];

const rows = tally({
  roles,
  incidents,
  log: logOf({ sentAt: 5_000 }, { sentAt: 12_000 }, { sentAt: 25_000 }, { sentAt: 26_000, ackedAt: 0 }),
  longestWay: [10, 3_000, 20, 9_000],
  violations,
  ends: [15_000, 16_000],
});
const row = (role: string) => rows.find((found) => found.role === role);

test('what happened counts for the role that something was last done to', () => {
  expect(row('calm')).toMatchObject({ acked: 1, lost: 0, outOfOrder: 1, identified: 0, longestGap: 10 });
  expect(row('guild-node')).toMatchObject({
    kills: 1,
    acked: 1,
    lost: 1,
    other: 1,
    identified: 2,
    longestGap: 3_000,
  });
  // Within a second before the drain: it may have been on its way.
  expect(row('tunnel')).toMatchObject({ drains: 1, acked: 1, doubled: 1, leaked: 1, longestGap: 20 });
});

test('the last row is the sum, and only what was acked is in it', () => {
  expect(rows.at(-1)).toEqual({
    role: 'all',
    kills: 1,
    stops: 0,
    drains: 1,
    acked: 3,
    lost: 1,
    doubled: 1,
    outOfOrder: 1,
    leaked: 1,
    other: 1,
    identified: 2,
    longestGap: 3_000,
  });
});

test('the report has a line per role, and violations in the order of their time', () => {
  const lines = renderTable(rows).split('\n');
  expect(lines.map((line) => /^\| ([\w-]+)/.exec(line)?.[1])).toEqual([
    'role',
    '----------',
    'calm',
    'guild-node',
    'tunnel',
    'all',
  ]);
  expect(new Set(lines.map(({ length }) => length)).size).toBe(1);
  const text = renderViolations(violations, 5_000).split('\n');
  expect(text[0]).toBe('5 violations: 1 lost, 1 doubled, 1 out of order, 1 leaked, 1 seq');
  expect(text[1]).toBe('      0.00 s  out of order: c');

  const many: Violation[] = [1, 2, 3].map((client) => ({
    kind: 'lost',
    at: 1,
    event: 4,
    client,
    what: 'event 4',
  }));
  expect(renderViolations(many, 0).split('\n')).toEqual([
    '3 violations: 3 lost',
    '      0.00 s  lost: event 4, and so in 2 other sessions',
  ]);
});
