import type { Publisher } from './publisher';

/** A server under load: a process of its own. */
export interface Server {
  readonly name: string;
  readonly pid: number;
  /** HOST:PORT of its WebSockets. */
  readonly sockets: string;
  readonly publisher: Publisher;
  stop(): Promise<void>;
}
