import { breach, median, percentile, short, table } from './report';

test('a bound that does not hold is said in a sentence', () => {
  const bound = { what: 'The ratio', measured: 7.94, unit: 'times' };
  expect(breach({ ...bound, atLeast: 8 })).toBe('The ratio is 7.94 times; it must be at least 8.');
  expect(breach({ ...bound, below: 7 })).toBe('The ratio is 7.94 times; it must be below 7.');
  expect(breach({ ...bound, atLeast: 7.94, below: 8 })).toBeUndefined();
});

test('a figure that could not be measured holds no bound', () => {
  expect(breach({ what: 'The ratio', measured: NaN, unit: 'times', atLeast: 1 })).toBeDefined();
});

test('percentiles lie between samples', () => {
  expect(percentile([1, 2, 3, 4], 0.5)).toBe(2.5);
  expect(percentile([5], 0.99)).toBe(5);
  expect(median([9, 1, 5])).toBe(5);
});

test('columns stand under each other', () => {
  expect([short(1_234_567), short(0.123_45), short(12)]).toEqual(['1 234 567', '0.123', '12']);
  expect(
    table([
      ['', 'a', 'b'],
      ['long name', 1, 20_000],
      ['x', 2],
    ]),
  ).toBe(['              a        b', '  long name   1   20 000', '  x           2'].join('\n'));
});
