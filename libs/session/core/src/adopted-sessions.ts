import type { Agenda } from './agenda';
import { originOf } from './arrival';
import type { NodeRef } from './messages';

/** How long it matters what the sessions of another node had. An owner that forgot publishes again within this. */
const rememberFor = 300_000;

interface Parts {
  readonly agenda: Agenda;
  /** It does not matter any more what the session had where it came from. */
  readonly forgetSession: (sessionId: string) => void;
  /** Nobody has come from there for long. */
  readonly forgetOrigin: (origin: string) => void;
}

/** Sessions that came to live here lately: the nodes that they came from, and ws-gateways, may still ask or tell. */
export class AdoptedSessions {
  /** By session, by the start of the node that it came from: the epoch that it came with. */
  private readonly epochs = new Map<string, Map<string, { readonly epoch: number }>>();

  constructor(private readonly parts: Parts) {}

  add(sessionId: string, from: NodeRef, epoch: number, now: number): void {
    const origin = originOf(from);
    const adoption = { epoch };
    let origins = this.epochs.get(sessionId);
    if (origins === undefined) this.epochs.set(sessionId, (origins = new Map()));
    origins.set(origin, adoption);
    this.parts.agenda.add(now + rememberFor, () => {
      if (this.epochs.get(sessionId)?.get(origin) === adoption) {
        this.delete(sessionId, from);
        this.parts.forgetSession(sessionId);
      }
      for (const others of this.epochs.values()) if (others.has(origin)) return;
      this.parts.forgetOrigin(origin);
    });
  }

  /** Whether it came to live here when that node last gave it away. */
  has(sessionId: string, from: NodeRef): boolean {
    return this.epochs.get(sessionId)?.has(originOf(from)) === true;
  }

  /** Whether it came with the connection that is bound in this epoch. */
  hasOf(sessionId: string, epoch: number): boolean {
    for (const adoption of this.epochs.get(sessionId)?.values() ?? [])
      if (adoption.epoch === epoch) return true;
    return false;
  }

  /** That node has it again. */
  delete(sessionId: string, from: NodeRef): void {
    const origins = this.epochs.get(sessionId);
    origins?.delete(originOf(from));
    if (origins?.size === 0) this.epochs.delete(sessionId);
  }
}
