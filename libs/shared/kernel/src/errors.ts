/** The gRPC status codes that this project answers with (google.rpc.Code). */
export const Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export type Code = (typeof Code)[keyof typeof Code];

/** A call that was answered with something other than success. The message is one sentence fit for the caller's eyes. */
export class CallError extends Error {
  override readonly name = 'CallError';

  constructor(
    readonly code: Code,
    message: string,
  ) {
    super(message);
  }
}

/** The field named breaks the contract; nothing was done. */
export function invalidArgument(field: string, why: string): CallError {
  return new CallError(Code.INVALID_ARGUMENT, `${field}: ${why}`);
}

/** Some of the work may have been done: repeat the call with the same event id. */
export function unavailable(why: string): CallError {
  return new CallError(Code.UNAVAILABLE, why);
}

/** What an operator did wrong, in one sentence. Apps print it and exit with 1, without a stack. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
}
