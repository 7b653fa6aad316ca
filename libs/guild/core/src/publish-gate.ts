import { type Snowflake, unavailable } from '@derailed/shared/kernel';
import type { GuildLimits } from './limits';
import { type Incoming, LoadQueue, type Waiting } from './load-queue';
import type { Request } from './member-loads';
import type { Moment } from './messages';
import type { Outbox } from './outbox';

export interface GateKeeper {
  /** Whether somebody is not in yet who was subscribed at an owner that is gone. */
  isHeld(): boolean;
  deliver(incoming: Incoming, at: Moment): void;
}

/**
 * Where publishes wait until the guild is read, and until all are in who were subscribed at an owner before: what those
 * do not get must not be acked.
 */
export class PublishGate {
  private readonly queue: LoadQueue;

  constructor(
    private readonly guildId: Snowflake,
    limits: Pick<GuildLimits, 'pendingEvents' | 'pendingBytes'>,
    private readonly out: Outbox,
    private readonly keeper: GateKeeper,
  ) {
    this.queue = new LoadQueue(limits);
  }

  /** A Subscribe waits until the guild is read. False: too much waits. */
  admit(request: Request): boolean {
    return this.queue.add({ kind: 'subscribe', request });
  }

  /** The session, or every session of the node, waits no more. */
  cancel(node: string, sessionId?: string): void {
    this.queue.cancel(node, sessionId);
  }

  /** All that waited. */
  take(): readonly Waiting[] {
    return this.queue.take();
  }

  /** To a guild that is read. */
  pass(incoming: Incoming, at: Moment): void {
    if (this.keeper.isHeld() || this.queue.size > 0) this.wait(incoming);
    else this.keeper.deliver(incoming, at);
  }

  wait(incoming: Incoming): void {
    if (!this.queue.add({ kind: 'publish', incoming })) this.fail(incoming);
  }

  /** All may be in now. Of a guild that is read nothing else waits. */
  proceed(at: Moment): void {
    if (this.queue.size === 0 || this.keeper.isHeld()) return;
    for (const item of this.queue.take()) if (item.kind === 'publish') this.pass(item.incoming, at);
  }

  /** The guild is no more: nobody is there to get it. */
  drop(): void {
    for (const item of this.queue.take())
      if (item.kind === 'publish') this.out.answer(item.incoming.call, { sessions: 0 });
  }

  /** The guild can't be read. @returns the Subscribes that waited */
  failAll(): Request[] {
    const requests: Request[] = [];
    for (const item of this.queue.take()) {
      if (item.kind === 'publish') this.fail(item.incoming);
      else requests.push(item.request);
    }
    return requests;
  }

  fail({ call }: Incoming): void {
    this.out.answer(call, unavailable(`the data of guild ${this.guildId} can't be read now`));
  }
}
