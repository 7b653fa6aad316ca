import type { Message } from './message';

/** Hands events to a server. */
export interface Publisher {
  /** Publishes a message; `done` is called when the server has acked it. */
  publish(message: Message, done: () => void): void;
  /** Rejects when the server has refused an event or hung up. */
  readonly failed: Promise<never>;
  close(): void;
}

/** A rejection that may be waited for later, or never. */
export function failure(): { failed: Promise<never>; fail: (error: Error) => void } {
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  failed.catch(() => undefined);
  return { failed, fail };
}
