import type { Envelope } from '@derailed/shared/contract';

/** What one node says to another: `{ $case, value }` as generated from proto/derailed/link/v1/messages.proto. */
export type Message = NonNullable<Envelope['message']>;
export type MessageCase = Message['$case'];
export type MessageOf<C extends MessageCase> = Extract<Message, { $case: C }>['value'];

/** A node and which of its starts. Two starts of one node have the same id and different incarnations. */
export interface NodeRef {
  readonly id: string;
  readonly incarnation: string;
}

/**
 * `up`: the first contact with this incarnation, or contact after `gone`. What was said to it before is lost.
 * `gone`: the link broke for longer than LINK_GRACE, overflowed, or another incarnation answers; what was not
 * handled by then never will be.
 * `epoch` counts the links to that node; each `up` has a greater one.
 */
export interface PeerEvent {
  readonly kind: 'up' | 'gone';
  readonly node: NodeRef;
  readonly epoch: number;
}

/**
 * Messages between nodes, this one included.
 *
 * Guarantee: between `up` and `gone` of a peer, messages of one flow are handled there in the order they were
 * sent, each exactly once. A long message (over LINK_CHUNK) travels in chunks: those of other flows may overtake it and
 * what is behind it in its flow. Apart from that messages of different flows keep their order as well, and an END mark on
 * one flow is behind what was said on all others. Signals may overtake sends. A handler runs to its end before the next message is handled, and never waits.
 * Within the process nothing is serialised: the receiver gets the very object, which nobody may change any more.
 */
export interface Mesh {
  readonly self: NodeRef;

  /**
   * Data lane. Waits in a bounded queue for the peer's credit. False: the queue is full, or nobody knows the
   * node; nothing was sent and the caller says what that means.
   * @param flow the ordering key, e.g. `g:1234` for a guild's stream
   */
  send(node: string, flow: string, message: Message): boolean;

  /** Control lane, for acks: never waits for credit, so two nodes with full queues still get on. */
  signal(node: string, message: Message): boolean;

  /**
   * Sends on the data lane and waits for the answer.
   * @throws CallError DEADLINE_EXCEEDED after `deadlineMs`; UNAVAILABLE when the peer is gone or the queue is full;
   * or whatever the handler threw as a CallError (anything else it threw is INTERNAL).
   */
  call<C extends MessageCase>(
    node: string,
    flow: string,
    message: Message,
    answer: C,
    deadlineMs: number,
  ): Promise<MessageOf<C>>;

  /**
   * Of several handlers of one kind (guild audiences and user audiences share theirs) the first that accepts the
   * message gets it.
   */
  onMessage<C extends MessageCase>(
    kind: C,
    handler: (value: MessageOf<C>, from: NodeRef) => void,
    accepts?: (value: MessageOf<C>) => boolean,
  ): void;

  /**
   * Like onMessage, for calls. The handler is started in order; its answer goes out when it is there, on the
   * control lane.
   */
  onCall<C extends MessageCase>(
    kind: C,
    handler: (value: MessageOf<C>, from: NodeRef) => Message | Promise<Message>,
    accepts?: (value: MessageOf<C>) => boolean,
  ): void;

  /**
   * That start of a node is off the member list for ever: it is gone from here on, whatever it says, and nothing is said
   * to it.
   */
  exclude(node: NodeRef): void;

  /** The listener hears of every peer that this node has sent to or heard from. Never of itself. */
  onPeer(listener: (event: PeerEvent) => void): void;
}
