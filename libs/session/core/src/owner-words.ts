import type { EventStream } from './event-stream';
import type { FromOwner, NodeRef } from './messages';
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
      /** Of a session that lives at another node still. */
      readonly stuck: (session: Session, now: number) => void;
    },
  ) {}

  receive(message: FromOwner, from: NodeRef, now: number): void {
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
        for (const session of [...view.table.all(), ...this.parts.subscriptions.rejoining(view)]) {
          if (session.state === 'arriving') this.parts.stuck(session, now);
          else this.parts.sessions.lose(session, 0, now);
        }
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
