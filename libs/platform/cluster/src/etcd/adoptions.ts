import type { Clock } from '@derailed/shared/kernel';
import type { Logger } from '@derailed/platform/observability';
import type { Adopted } from '../cluster';
import { type MemberStore, textOf } from './client';

interface Parts {
  readonly client: MemberStore;
  /** Begins every node's key. */
  readonly prefix: string;
  readonly self: { readonly id: string; readonly incarnation: string };
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
}

/** Milliseconds. */
const tryAgain = 1000;

/**
 * By which list each node goes, beside the member list and no part of it: whoever can't reach a node over a link reads
 * there that it has seen a change. An entry ends with its node's lease.
 */
export class Adoptions {
  private readonly rangeEnd: string;
  private wanted: { readonly generation: number; readonly lease: number } | undefined;
  private writing = false;
  private stopped = false;

  constructor(private readonly parts: Parts) {
    // The key after all those that begin with the prefix: "/" is followed by "0".
    this.rangeEnd = `${parts.prefix.slice(0, -1)}0`;
  }

  /** This node goes by the list of that generation. */
  adopt(generation: number, lease: number): void {
    this.wanted = { generation, lease };
    if (!this.writing) void this.write();
  }

  /** @throws Error when etcd does not answer */
  async read(): Promise<Adopted[]> {
    const { client, prefix } = this.parts;
    const { kvs } = await client.range(prefix, this.rangeEnd);
    return kvs.flatMap(({ key, value }) => {
      const id = Buffer.from(key).toString('utf8').slice(prefix.length);
      return readAdoption(id, Buffer.from(value).toString('utf8')) ?? [];
    });
  }

  stop(): void {
    this.stopped = true;
  }

  /** One after the other, so that the last one stays. */
  private async write(): Promise<void> {
    const { client, prefix, self, clock, logger } = this.parts;
    this.writing = true;
    for (let next = this.wanted; next !== undefined && !this.stopped; next = this.wanted) {
      const { generation, lease } = next;
      const key = Buffer.from(`${prefix}${self.id}`);
      const value = Buffer.from(JSON.stringify({ incarnation: self.incarnation, generation }));
      try {
        await client.txn({
          compare: [],
          success: [{ request: { $case: 'requestPut', value: { key, value, lease } } }],
        });
        if (this.wanted === next) this.wanted = undefined;
      } catch (error) {
        logger.warn({ why: textOf(error), generation }, 'etcd was not told by which list this node goes');
        await new Promise<void>((resolve) => clock.after(tryAgain, resolve));
      }
    }
    this.writing = false;
  }
}

function readAdoption(id: string, text: string): Adopted | undefined {
  try {
    const { incarnation, generation } = JSON.parse(text) as Partial<Adopted>;
    return typeof incarnation === 'string' && typeof generation === 'number'
      ? { id, incarnation, generation }
      : undefined;
  } catch {
    return undefined;
  }
}
