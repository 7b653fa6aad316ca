/**
 * The database did not answer: unreachable, going down, out of connections, or slower than the statement
 * timeout. Nothing was read; the same read may succeed later. The cause says which.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';

  constructor(cause: unknown) {
    super(`the database is away: ${reasonOf(cause)}`, { cause });
  }
}

/** Codes of Node's network errors that mean that nobody answered. */
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
]);

/**
 * SQLSTATEs of a server that is there and can't serve now: connection exceptions (08), insufficient resources
 * (53), operator intervention (57: shutdown, cancelled by timeout), system errors (58), timeouts that end the session.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const awayStates = /^(08|53|57|58)...$|^25P0[34]$|^55P03$/;

/** What pg and pg-pool say without a code. */
const awayMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end)/;

/** Whether the error of a query or connection means that the database is away, rather than that the query is wrong. */
export function isAway(error: unknown): boolean {
  const { code, message } = driverError(error);
  if (code !== undefined) return networkCodes.has(code) || awayStates.test(code);
  return awayMessages.test(message);
}

/** The reason in a few words, without the statement and its parameters. */
export function reasonOf(error: unknown): string {
  const { code, message } = driverError(error);
  return message === '' ? (code ?? 'no answer') : message;
}

/** SQLSTATE or Node's error code, and the message; of the driver's own error where TypeORM has wrapped it. */
export function driverError(error: unknown): { code: string | undefined; message: string } {
  const own = errorFields(error);
  const wrapped = own?.driverError === undefined ? undefined : errorFields(own.driverError);
  // An AggregateError (all addresses of a host refused) has its reasons inside and often no message.
  const first = errorFields((wrapped ?? own)?.errors?.[0]);
  const found = wrapped ?? own;
  return {
    code: found?.code ?? first?.code,
    message: found?.message || first?.message || String(error),
  };
}

interface ErrorFields {
  code?: string;
  message: string;
  driverError?: unknown;
  errors?: unknown[];
}

function errorFields(error: unknown): ErrorFields | undefined {
  return error instanceof Error ? (error as ErrorFields) : undefined;
}
