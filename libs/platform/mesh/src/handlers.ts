import type { Message, MessageCase, MessageOf, NodeRef } from './mesh';

type Accepts = (value: unknown) => boolean;

interface Entry<R> {
  readonly handle: (value: unknown, from: NodeRef) => R;
  readonly accepts: Accepts | undefined;
}

/** Who handles which kind of message; of several, the first that accepts it. */
export class Handlers<R> {
  private readonly entries = new Map<MessageCase, Entry<R>[]>();

  add<C extends MessageCase>(
    kind: C,
    handle: (value: MessageOf<C>, from: NodeRef) => R,
    accepts?: (value: MessageOf<C>) => boolean,
  ): void {
    // The table is keyed by kind, so a handler only ever gets values of its own.
    const entry: Entry<R> = { handle: handle as Entry<R>['handle'], accepts: accepts as Accepts | undefined };
    const present = this.entries.get(kind);
    if (present) present.push(entry);
    else this.entries.set(kind, [entry]);
  }

  find(message: Message): Entry<R>['handle'] | undefined {
    const entries = this.entries.get(message.$case);
    if (entries === undefined) return undefined;
    for (const entry of entries) {
      if (entry.accepts === undefined || entry.accepts(message.value)) return entry.handle;
    }
    return undefined;
  }
}
