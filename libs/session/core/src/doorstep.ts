import type { Kit } from './kit';
import type { NodeRef } from './messages';
import type { Binding, Session } from './session';

/** Codes of protocol.md 2.2 that a session-node itself closes with. 0: op 9 (false). */
export const close = {
  invalidSession: 0,
  tryAgain: 4000,
  unknownUser: 4004,
  badSeq: 4007,
  badShard: 4010,
  tooManyGuilds: 4011,
} as const;

/** What ws-gateways are told of connections that come to a session, or have to let go of one. */
export class Doorstep {
  constructor(private readonly kit: Pick<Kit, 'outbox' | 'counts'>) {}

  /** Tells the connection whose it is. @param seq of the last dispatch that its client has */
  introduce({ binding, id, epoch }: Pick<Session, 'binding' | 'id' | 'epoch'>, seq: number): void {
    if (binding === undefined) return;
    this.kit.outbox.tell(binding.outlet.node.id, {
      $case: 'bound',
      value: { connection: binding.connection, sessionId: id, epoch, seq },
    });
  }

  /** @param delayMs until op 9 */
  refuse(to: NodeRef, connection: number, closeCode: number, delayMs = 0): void {
    this.kit.outbox.tell(to.id, {
      $case: 'refused',
      value: { connection, closeCode, resumable: false, delayMs },
    });
  }

  refuseResume(to: NodeRef, connection: number, closeCode: number): void {
    this.kit.counts.resumesRefused++;
    this.refuse(to, connection, closeCode);
  }

  /** The session is not that connection's any more. @param epoch of its binding */
  letGo({ connection, outlet }: Binding, epoch: number, closeCode: number): void {
    this.kit.outbox.tell(outlet.node.id, {
      $case: 'closeConnection',
      value: { connection, epoch, closeCode },
    });
  }
}
