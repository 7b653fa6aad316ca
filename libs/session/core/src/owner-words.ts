import { type AudienceEvent, Kind } from '@derailed/audience/core';
import type { AudienceView } from './audience-view';
import type { OfStream } from './doubt';
import type { EventStream } from './event-stream';
import type { FromOwner, NodeRef, Tagged } from './messages';
import type { Session } from './session';
import type { Sessions } from './sessions';
import type { Subscriptions } from './subscriptions';
import type { Views } from './views';

/** Who is subscribed, sees what, or is lost, by word of owners. */
export class OwnerWords {
  constructor(
    private readonly parts: {
      readonly views: Views;
      readonly sessions: Sessions;
      readonly subscriptions: Subscriptions;
      readonly stream: EventStream;
      /** Of a session that has missed events for good. */
      readonly lost: (session: Session, now: number) => void;
    },
  ) {}

  receive(message: FromOwner, from: NodeRef, now: number): void {
    const view = message.$case === 'audienceReset' ? undefined : this.viewOf(message);
    if (view === undefined || message.$case === 'audienceReset') this.handle(message, from, now);
    else if (!this.holds(view, message, from, now)) {
      if (view.doubt?.settles(message) === true) this.settle(view, view.doubt.sift(message, from), from, now);
      this.handle(message, from, now);
    }
  }

  /** Whether the message has to wait, because it may be of a stream that is over. */
  private holds(view: AudienceView, message: OfStream, from: NodeRef, now: number): boolean {
    const { doubt } = view;
    if (doubt === undefined || view.owner !== undefined || !doubt.holds(message, from)) return false;
    if (!doubt.overran) return true;
    const { subscriptions, lost } = this.parts;
    // Those who may miss nothing would.
    for (const session of subscriptions.rejoining(view)) lost(session, now);
    view.doubt = undefined;
    subscriptions.askAnew(view, now);
    return true;
  }

  holdsEvent(view: AudienceView, value: Readonly<AudienceEvent>, from: NodeRef, now: number): boolean {
    return this.holds(view, { $case: 'audienceEvent', value }, from, now);
  }

  /** Of what was held it is known now what holds. */
  private settle(view: AudienceView, held: readonly OfStream[], from: NodeRef, now: number): void {
    view.doubt = undefined;
    for (const message of held) {
      if (message.$case === 'audienceEvent') this.parts.stream.arrive(message.value, from, now);
      else this.handle(message, from, now);
    }
  }

  private viewOf(message: Exclude<OfStream, Tagged<'audienceEvent', unknown>>): AudienceView | undefined {
    const { views } = this.parts;
    return message.$case === 'classTable' || message.$case === 'reclassed'
      ? views.get(Kind.guild, message.value.guildId)
      : views.get(message.value.kind, message.value.audienceId);
  }

  private handle(message: FromOwner, from: NodeRef, now: number): void {
    switch (message.$case) {
      case 'subscribed':
      case 'subscribeRefused': {
        const view = this.parts.views.get(message.value.kind, message.value.audienceId);
        const session = this.parts.sessions.get(message.value.sessionId);
        if (view !== undefined && message.$case === 'subscribed')
          this.parts.subscriptions.learn(view, message.value, from);
        if (view === undefined || session === undefined) return;
        if (message.$case === 'subscribed')
          this.parts.subscriptions.subscribed(view, session, message.value, from, now);
        else this.parts.subscriptions.refused(view, session, message.value, now);
        break;
      }
      case 'classTable':
        this.parts.stream.classTable(message.value, from);
        break;
      case 'reclassed':
        this.parts.stream.reclassed(message.value, from);
        break;
      case 'audienceLost': {
        const view = this.parts.views.get(message.value.kind, message.value.audienceId);
        if (view === undefined || !this.parts.subscriptions.mayBe(view, from)) return;
        for (const session of [...view.table.all(), ...this.parts.subscriptions.rejoining(view)])
          this.parts.lost(session, now);
        this.parts.subscriptions.startOver(view, now);
        this.parts.subscriptions.askAgain(view, from.id, now);
        break;
      }
      case 'audienceReset':
        this.parts.subscriptions.reset(message.value, from, now);
        break;
    }
  }
}
