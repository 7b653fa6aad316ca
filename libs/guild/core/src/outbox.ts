import type { StreamPoint } from '@derailed/audience/core';
import type { CallError, Snowflake } from '@derailed/shared/kernel';
import type { Effect, StreamMessage, Subscribe } from './messages';

const nothing: readonly Effect[] = [];

/** Effects in the order in which they came up. */
export class Outbox {
  private effects: Effect[] = [];

  /** @param at index of the first event that comes with or after the message */
  send(nodes: readonly string[], message: StreamMessage, at: number, answers?: Subscribe): void {
    this.effects.push(
      answers === undefined
        ? { kind: 'send', nodes, message, at }
        : { kind: 'send', nodes, message, at, answers },
    );
  }

  answer(call: number, answer: { readonly sessions: number } | CallError): void {
    this.effects.push({ kind: 'answer', call, answer });
  }

  load(load: number, before: StreamPoint | undefined): void {
    this.effects.push({ kind: 'load', load, before });
  }

  reread(reread: { read: number; userIds: readonly Snowflake[]; joinedSince: number }): void {
    this.effects.push({ kind: 'reread', ...reread });
  }

  behind(node: string, needs: number): void {
    this.effects.push({ kind: 'behind', node, needs });
  }

  joined(userId: Snowflake): void {
    this.effects.push({ kind: 'joined', userId });
  }

  loadMembers(load: number, userIds: readonly Snowflake[]): void {
    this.effects.push({ kind: 'loadMembers', load, userIds });
  }

  unload(): void {
    this.effects.push({ kind: 'unload' });
  }

  take(): readonly Effect[] {
    if (this.effects.length === 0) return nothing;
    const taken = this.effects;
    this.effects = [];
    return taken;
  }
}
