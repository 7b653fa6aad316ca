import { type CloseRow, closeReasonOf, closeRows, renderCloseCodes } from './close-codes';

const rows: [string, CloseRow][] = Object.entries(closeRows);

it('no code is one that a library uses for itself, or that ends hikari', () => {
  for (const [, { code }] of rows) {
    expect(code >= 4000 && code <= 4014).toBe(true);
    expect(code).not.toBe(4006);
  }
});

it('rows of one code agree on what becomes of the session', () => {
  for (const [, row] of rows) {
    const first = closeRows[closeReasonOf(row.code)];
    expect([row.reconnect, row.resume]).toEqual([first.reconnect, first.resume]);
  }
});

it('a reason fits a close frame', () => {
  for (const [, { reason }] of rows) expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
});

it('an unknown code is an unknown error', () => {
  expect(closeReasonOf(4200)).toBe('unknown_error');
  expect(closeReasonOf(4004)).toBe('authentication_failed');
});

it('the page has every row', () => {
  for (const [key, { code }] of rows) expect(renderCloseCodes()).toContain(`| ${code} | \`${key}\` |`);
});
