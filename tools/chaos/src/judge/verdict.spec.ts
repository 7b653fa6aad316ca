import fc from 'fast-check';
import type { SessionHistory } from './history';
import { type Published, logOf, sessionOf } from './history.fixture';
import { judge, judgeAcks } from './verdict';

const five: readonly Published[] = [1, 2, 3, 4, 5].map((sentAt) => ({ sentAt: sentAt * 10 }));
const log = logOf(...five);

const found = (
  session: SessionHistory,
  published = log,
  sight: 'nothing' | 'open' | 'all' = 'all',
): string[] =>
  judge(published, [session], () => sight).map(({ kind, event }) => `${kind} ${event ?? ''}`.trim());

test('everything once and in order is right', () => {
  expect(found(sessionOf([0, 1, 2, 3, 4]))).toEqual([]);
});

test('what was acked and is missing is lost', () => {
  expect(found(sessionOf([0, 1, 3, 4]))).toEqual(['lost 2']);
  expect(found(sessionOf([0, 1, 2, 3]))).toEqual(['lost 4']);
  expect(found(sessionOf([]))).toEqual(['lost 0', 'lost 1', 'lost 2', 'lost 3', 'lost 4']);
});

test('what has no ack may be missing', () => {
  const unsure = logOf(...five.map((event, at) => (at === 2 ? { ...event, ackedAt: 0 } : event)));
  expect(found(sessionOf([0, 1, 3, 4]), unsure)).toEqual([]);
  expect(judgeAcks(unsure).map(({ kind, event }) => [kind, event])).toEqual([['unacked', 2]]);
  expect(judgeAcks(log)).toEqual([]);
});

test('what comes twice is doubled, wherever the second one stands', () => {
  expect(found(sessionOf([0, 1, 1, 2, 3, 4]))).toEqual(['doubled 1']);
  expect(found(sessionOf([0, 1, 2, 3, 4, 0]))).toEqual(['doubled 0']);
});

test('what comes after a later one is out of order', () => {
  expect(found(sessionOf([0, 2, 1, 3, 4]))).toEqual(['out of order 1']);
});

test('guilds have orders of their own', () => {
  const two = logOf({ sentAt: 1 }, { sentAt: 2, guild: 1 }, { sentAt: 3 });
  const enteredAt = new Map([
    [0, 0],
    [1, 0],
  ]);
  expect(found(sessionOf([0, 2, 1], { enteredAt }), two)).toEqual([]);
  expect(found(sessionOf([2, 0, 1], { enteredAt }), two)).toEqual(['out of order 0']);
});

test('the closed channel is for those who see it', () => {
  const mixed = logOf({ sentAt: 1 }, { sentAt: 2, closed: true }, { sentAt: 3 });
  expect(found(sessionOf([0, 1, 2]), mixed)).toEqual([]);
  expect(found(sessionOf([0, 2]), mixed)).toEqual(['lost 1']);
  expect(found(sessionOf([0, 2]), mixed, 'open')).toEqual([]);
  expect(found(sessionOf([0, 1, 2]), mixed, 'open')).toEqual(['leaked 1']);
  expect(found(sessionOf([0, 2], { enteredAt: new Map() }), mixed, 'nothing')).toEqual([
    'leaked 0',
    'leaked 2',
  ]);
});

describe('a session that came in the middle', () => {
  const late = { enteredAt: new Map([[0, 25]]) };

  it('has what was sent after its GUILD_CREATE', () => {
    expect(found(sessionOf([2, 3, 4], late))).toEqual([]);
    expect(found(sessionOf([3, 4], late))).toEqual(['lost 2']);
  });

  it('may have some of what was sent before, and all from there on', () => {
    expect(found(sessionOf([1, 2, 3, 4], late))).toEqual([]);
    expect(found(sessionOf([0, 2, 3, 4], late))).toEqual(['lost 1']);
  });
});

describe('a session that ended', () => {
  const ended = { end: { at: 60, why: 'op 9' } };

  it('has no hole up to the last that it had', () => {
    expect(found(sessionOf([0, 1, 2], ended))).toEqual([]);
    expect(found(sessionOf([], ended))).toEqual([]);
    expect(found(sessionOf([0, 2], ended))).toEqual(['lost 1']);
  });
});

test('what nobody published, what came before its guild, and seqs that jump are told', () => {
  expect(found(sessionOf([0, 1, 2, 3, 4, 99]))).toEqual(['made up 99']);
  expect(found(sessionOf([0, 1, 2, 3, 4], { early: [0] }))).toEqual(['too early 0']);
  expect(found(sessionOf([0, 1, 2, 3, 4], { seqBreaks: [{ expected: 3, got: 5, at: 1 }] }))).toEqual(['seq']);
  const unsent = logOf({ sentAt: 1 }, { sentAt: 0, ackedAt: 0 });
  expect(found(sessionOf([0, 1]), unsent)).toEqual(['made up 1']);
});

test('any change of what one session got, except of what has no ack, is found', () => {
  const events = fc.array(fc.record({ guild: fc.nat(2), closed: fc.boolean() }), {
    minLength: 3,
    maxLength: 40,
  });
  fc.assert(
    fc.property(
      events,
      fc.nat(),
      fc.nat(),
      fc.constantFrom('drop', 'repeat', 'swap'),
      (plan, a, b, change) => {
        const published = logOf(...plan.map((event, at) => ({ ...event, sentAt: at + 1 })));
        const enteredAt = new Map([0, 1, 2].map((guild) => [guild, 0] as const));
        const right = plan.map((_, event) => event);
        expect(found(sessionOf(right, { enteredAt }), published)).toEqual([]);
        const at = a % right.length;
        const wrong = [...right];
        if (change === 'drop') wrong.splice(at, 1);
        else if (change === 'repeat') wrong.splice(b % (right.length + 1), 0, at);
        else {
          const other = right.findIndex((event) => event !== at && plan[event]?.guild === plan[at]?.guild);
          fc.pre(other >= 0);
          [wrong[at], wrong[other]] = [other, at];
        }
        expect(found(sessionOf(wrong, { enteredAt }), published)).not.toEqual([]);
      },
    ),
  );
});
