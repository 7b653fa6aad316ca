import type { Mesh, Message, MessageCase, MessageOf, NodeRef, PeerEvent } from '@derailed/platform/mesh';

/** What an onlooker sees of a node's messages. It may hold one back, by calling `deliver` later or not at all. */
export interface MeshTap {
  /** A message has come in; `deliver` has it handled. @param mesh of the node that it came to */
  received(mesh: Mesh, message: Message, from: NodeRef, deliver: () => void): void;
  /** A call has come in. @returns what is answered in place of the node; undefined: the node answers */
  asked(mesh: Mesh, question: Message, from: NodeRef): Message | undefined;
  sent(at: NodeRef, to: string, message: Message, taken: boolean): void;
  /** A call was answered; undefined: refused. */
  answered(at: NodeRef, question: Message, answer: Message | undefined): void;
  peer(at: NodeRef, event: PeerEvent): void;
}

/** The mesh of a node with somebody looking on. */
export class TappedMesh implements Mesh {
  constructor(
    private readonly mesh: Mesh,
    private readonly tap: MeshTap,
  ) {
    mesh.onPeer((event) => tap.peer(this.self, event));
  }

  get self(): NodeRef {
    return this.mesh.self;
  }

  send(node: string, flow: string, message: Message): boolean {
    const taken = this.mesh.send(node, flow, message);
    this.tap.sent(this.self, node, message, taken);
    return taken;
  }

  signal(node: string, message: Message): boolean {
    const taken = this.mesh.signal(node, message);
    this.tap.sent(this.self, node, message, taken);
    return taken;
  }

  call<C extends MessageCase>(
    node: string,
    flow: string,
    message: Message,
    answer: C,
    deadlineMs: number,
  ): Promise<MessageOf<C>> {
    return this.mesh.call(node, flow, message, answer, deadlineMs);
  }

  exclude(node: NodeRef): void {
    this.mesh.exclude(node);
  }

  onMessage<C extends MessageCase>(
    kind: C,
    handler: (value: MessageOf<C>, from: NodeRef) => void,
    accepts?: (value: MessageOf<C>) => boolean,
  ): void {
    const handle = (value: MessageOf<C>, from: NodeRef): void => {
      this.tap.received(this.mesh, { $case: kind, value } as Message, from, () => handler(value, from));
    };
    this.mesh.onMessage(kind, handle, accepts);
  }

  onCall<C extends MessageCase>(
    kind: C,
    handler: (value: MessageOf<C>, from: NodeRef) => Message | Promise<Message>,
    accepts?: (value: MessageOf<C>) => boolean,
  ): void {
    const answer = (value: MessageOf<C>, from: NodeRef): Message | Promise<Message> => {
      const question = { $case: kind, value } as Message;
      const reply = this.tap.asked(this.mesh, question, from) ?? handler(value, from);
      if (!(reply instanceof Promise)) {
        this.tap.answered(this.self, question, reply);
        return reply;
      }
      return reply.then(
        (late) => {
          this.tap.answered(this.self, question, late);
          return late;
        },
        (error: unknown) => {
          this.tap.answered(this.self, question, undefined);
          throw error;
        },
      );
    };
    this.mesh.onCall(kind, answer, accepts);
  }

  onPeer(listener: (event: PeerEvent) => void): void {
    this.mesh.onPeer(listener);
  }
}
