import type { AudienceEvent } from '@derailed/audience/core';
import type { FromOwner, NodeRef, Tagged } from './messages';

/** What comes in the stream of an audience. */
export type OfStream =
  Exclude<FromOwner, Tagged<'audienceReset', unknown>> | Tagged<'audienceEvent', Readonly<AudienceEvent>>;

/** Messages that wait for an answer that is on its way; more, and they are not waited with. */
const mostHeld = 1024;

/**
 * An owner was asked again for all who are to get in, because it may have lost the audience since it was asked first. What
 * it answers to what came before may be of a stream that is over: it is held, and all behind it, until the answer to what
 * came later tells.
 */
export class Doubt {
  private from: NodeRef | undefined;
  private held: OfStream[] = [];

  /** @param number under which it was asked again */
  constructor(private number: number) {}

  /** It was asked once more. What is held stays so: it may be of the stream that the last answer is of. */
  raise(number: number): void {
    this.number = number;
  }

  /** Whether more is held than may be. */
  get overran(): boolean {
    return this.held.length > mostHeld;
  }

  /** Whether the message is not to be handled now, if ever. */
  holds(message: OfStream, from: NodeRef): boolean {
    const isLate = this.isLate(message);
    // The last word on who asks is still to come, or is this.
    if (message.$case === 'subscribeRefused') return isLate;
    // Who has missed something in a stream that is over misses it in the next one too.
    if (message.$case === 'audienceLost') return false;
    if (!this.isOf(from)) {
      if (!isLate) return false;
      this.from = from;
      this.held = [];
    } else if (this.settles(message)) return false;
    this.held.push(message);
    return true;
  }

  /** Whether the message tells what to make of those that are held. */
  settles(message: OfStream): boolean {
    return message.$case === 'subscribed' && !this.isLate(message);
  }

  /** What of the held messages holds after all, in their order: those of the stream that the answer is of. */
  sift(answer: OfStream, from: NodeRef): readonly OfStream[] {
    const { held } = this;
    if (!this.isOf(from) || answer.$case !== 'subscribed') return [];
    const isOf = (message: OfStream): boolean =>
      message.$case === 'subscribed' && message.value.term === answer.value.term;
    const first = held.findIndex(isOf);
    // Nothing of a stream comes to this node before it is said to be in, but what classes see. Those of the stream before are
    // among the others; each is told anew behind them before it is mentioned.
    return held.filter(({ $case }, at) => $case === 'classTable' || (first >= 0 && at >= first));
  }

  /** Whether it answers what was asked before. An owner of the version before does not say. */
  private isLate(message: OfStream): boolean {
    if (message.$case !== 'subscribed' && message.$case !== 'subscribeRefused') return false;
    return message.value.view !== 0 && message.value.view < this.number;
  }

  private isOf({ id, incarnation }: NodeRef): boolean {
    return this.from?.id === id && this.from.incarnation === incarnation;
  }
}
