import type { Mesh, Message, NodeRef, PeerEvent } from '@derailed/platform/mesh';
import type { History } from './history';
import type { MeshTap } from './tapped-mesh';

/** The audience that a message is about, of a node's start. */
interface Stream {
  /** When each event came to its owner first. */
  readonly arrived: Map<string, number>;
  /** By session-node: the events that were sent and have not been handled there. */
  readonly unhandled: Map<string, Set<string>>;
  /** By session-node: when each index was sent whose ack has not come. */
  readonly unacked: Map<string, Map<number, number>>;
  /** The last event that was sent to anybody, and when: what is sent of it later, or before it, is for catching up. */
  last: { readonly index: number; readonly at: number };
  /** By session-node: when the owner had a reason to go on without it. */
  readonly excused: Map<string, number>;
  /** By session-node: its sessions that asked to be subscribed, each with its user. */
  readonly asked: Map<string, Map<string, string>>;
  /** By index: whose subscriptions end with that event. */
  readonly ends: Map<number, string>;
}

/** A node's right to answer for a key, as it saw it itself. */
export interface Claim {
  readonly generation: number;
  /** Whether the node is the owner in its own view, and its lease has not ended in the store. */
  readonly isValid: boolean;
}

const ackTimeout = 2000;
/** Its timer may be late by so much (ms). */
const slack = 5;

/** Watches every message between roles for what no client could see: who acks what, and when. */
export class Onlooker implements MeshTap {
  private readonly streams = new Map<string, Stream>();
  /** Nodes that are down. */
  private readonly dead = new Set<string>();
  private readonly answers = new Map<string, Claim & { readonly node: string }>();

  constructor(
    private readonly history: History,
    private readonly now: () => number,
    private readonly claim: (at: NodeRef, role: 'guild-node' | 'session-node', key: string) => Claim,
    private readonly trace: (what: () => string) => void,
  ) {}

  asked({ self: at }: Mesh, question: Message, from: NodeRef): undefined {
    this.trace(() => `${at.id} <- ${from.id} ${textOf(question)}`);
    if (question.$case !== 'publish') return;
    const { event, kind, audienceIds } = question.value;
    for (const id of audienceIds) {
      const { arrived } = this.stream(at, kind, id);
      if (event && !arrived.has(event.id)) arrived.set(event.id, this.now());
    }
  }

  received({ self: at }: Mesh, message: Message, from: NodeRef, deliver: () => void): void {
    this.trace(() => `${at.id} <- ${from.id} ${textOf(message)}`);
    if (
      message.$case === 'unsubscribe' ||
      message.$case === 'audienceSync' ||
      message.$case === 'subscribe'
    ) {
      const { kind, audienceId } = message.value;
      this.stream(at, kind, audienceId).excused.set(from.id, this.now());
    }
    if (message.$case === 'unsubscribe') {
      const { kind, audienceId, sessionIds } = message.value;
      const asked = this.stream(at, kind, audienceId).asked.get(from.id);
      for (const sessionId of sessionIds) asked?.delete(sessionId);
    }
    if (message.$case === 'subscribe') {
      const { kind, audienceId, sessionId, userId } = message.value;
      const { asked } = this.stream(at, kind, audienceId);
      asked.set(from.id, (asked.get(from.id) ?? new Map<string, string>()).set(sessionId, userId));
    }
    if (message.$case === 'audienceBehindNoted' && message.value.needs > 0) {
      const { kind, audienceId, node } = message.value;
      this.stream(at, kind, audienceId).excused.set(node, this.now());
    }
    if (message.$case === 'audienceAck') {
      const { kind, audienceId, index } = message.value;
      const stream = this.stream(at, kind, audienceId);
      const waiting = stream.unacked.get(from.id);
      for (const sent of waiting?.keys() ?? []) if (sent <= index) waiting?.delete(sent);
      this.end(stream, from.id, index);
    }
    deliver();
    if (message.$case === 'audienceEvent') {
      const { kind, audienceId } = message.value;
      this.stream(from, kind, audienceId).unhandled.get(at.id)?.delete(nameOf(message.value));
    }
  }

  sent(at: NodeRef, to: string, message: Message, taken: boolean): void {
    if (message.$case !== 'audienceEvent') return;
    const { kind, audienceId, index, endsUserId } = message.value;
    const stream = this.stream(at, kind, audienceId);
    if (endsUserId !== '') stream.ends.set(index, endsUserId);
    const { excused, unhandled, unacked, last } = stream;
    if (index > last.index) stream.last = { index, at: this.now() };
    else if (index < last.index || last.at < this.now()) return;
    if (!taken) return void excused.set(to, this.now());
    // Who is down acks nothing, and the owner, which need not know, goes on without it as soon as that is overdue.
    let waiting = unacked.get(to);
    if (!waiting) unacked.set(to, (waiting = new Map()));
    if (!waiting.has(index)) waiting.set(index, this.now());
    if (this.dead.has(to)) return void excused.set(to, this.now());
    let events = unhandled.get(to);
    if (!events) unhandled.set(to, (events = new Set()));
    events.add(nameOf(message.value));
  }

  answered(at: NodeRef, question: Message, answer: Message | undefined): void {
    this.trace(() => `${at.id} answers ${textOf(question)}: ${answer ? textOf(answer) : 'refused'}`);
    if (question.$case !== 'publish' || answer?.$case !== 'published') return;
    const { kind, audienceIds, event } = question.value;
    for (const id of audienceIds) {
      this.checkOwner(at, kind, id);
      if (event) this.checkHandled(at, this.stream(at, kind, id), event.id);
    }
  }

  peer(at: NodeRef, { kind, node }: PeerEvent): void {
    this.trace(() => `${at.id} sees ${node.id} ${kind}`);
    if (kind !== 'gone') return;
    for (const [key, { excused, unhandled, unacked }] of this.streams) {
      if (!key.startsWith(`${at.id} ${at.incarnation} `)) continue;
      excused.set(node.id, this.now());
      unhandled.delete(node.id);
      unacked.delete(node.id);
    }
  }

  /** The process is no more, and its sessions with it: nobody owes it anything. */
  died(id: string): void {
    this.dead.add(id);
    for (const { excused, unhandled } of this.streams.values()) {
      excused.set(id, this.now());
      unhandled.delete(id);
    }
  }

  started(id: string): void {
    this.dead.delete(id);
  }

  /** An ack says that each session-node that was sent the event has handled it, unless it was given up. */
  private checkHandled(at: NodeRef, { arrived, unhandled, unacked, excused }: Stream, eventId: string): void {
    const since = arrived.get(eventId) ?? 0;
    for (const [node, events] of unhandled) {
      if (!events.has(eventId) || (excused.get(node) ?? -1) >= since) continue;
      const oldest = Math.min(...(unacked.get(node)?.values() ?? []));
      if (this.now() - oldest < ackTimeout - slack)
        this.history.broken('ack means buffered', `${at.id} acked ${eventId}, which ${node} has not handled`);
    }
  }

  /** A node whose last session is out of the guild by word of its owner is owed nothing any more. */
  private end({ asked, ends, excused }: Stream, node: string, index: number): void {
    const userId = ends.get(index);
    const sessions = asked.get(node);
    if (userId === undefined || sessions === undefined) return;
    for (const [sessionId, who] of sessions) if (userId === '*' || who === userId) sessions.delete(sessionId);
    if (sessions.size === 0) excused.set(node, this.now());
  }

  /** Whoever acks for a key owns it, and nobody who owned it before acks after that. */
  private checkOwner(at: NodeRef, kind: number, id: string): void {
    const claim = this.claim(at, kind === 1 ? 'guild-node' : 'session-node', id);
    const key = `${kind} ${id}`;
    const node = `${at.id} ${at.incarnation}`;
    const last = this.answers.get(key);
    if (!claim.isValid) this.history.broken('one owner', `${at.id} acked for ${id}, which is not its own`);
    else if (last !== undefined && last.node !== node && claim.generation < last.generation)
      this.history.broken('one owner', `${at.id} acked for ${id} after ${last.node} did, which owns it now`);
    this.answers.set(key, { ...claim, node });
  }

  private stream({ id, incarnation }: NodeRef, kind: number, audienceId: string): Stream {
    const key = `${id} ${incarnation} ${kind} ${audienceId}`;
    let stream = this.streams.get(key);
    if (!stream) {
      stream = {
        arrived: new Map(),
        unhandled: new Map(),
        unacked: new Map(),
        last: { index: 0, at: 0 },
        excused: new Map(),
        asked: new Map(),
        ends: new Map(),
      };
      this.streams.set(key, stream);
    }
    return stream;
  }
}

/** Events of the gateway's own have no id. */
function nameOf({ index, event }: { index: number; event?: { id: string } | undefined }): string {
  return event === undefined || event.id === '' ? `#${index}` : event.id;
}

/** A message in a line of the trace. */
export function textOf({ $case, value }: Message): string {
  const text = JSON.stringify(value, (_key, field: unknown) => {
    if (field instanceof Uint8Array) return Buffer.from(field).toString('utf8').slice(0, 80);
    const bytes = field as { type?: string; data?: number[] } | null;
    return typeof field === 'object' && bytes?.type === 'Buffer' && Array.isArray(bytes.data)
      ? Buffer.from(bytes.data).toString('utf8').slice(0, 80)
      : field;
  });
  return `${$case} ${text.length > 300 ? `${text.slice(0, 300)}...` : text}`;
}
