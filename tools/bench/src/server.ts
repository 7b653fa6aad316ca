import type { Publisher } from './publisher';

/** A server under load: a process of its own. */
export interface Server {
  readonly name: string;
  readonly pid: number;
  readonly publisher: Publisher;
}
