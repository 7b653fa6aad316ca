import type { Binding, IdentifyOrder, ResumeOrder } from '@derailed/gateway/core';
import type { Cluster } from '@derailed/platform/cluster';
import type { Mesh, Message, MessageOf } from '@derailed/platform/mesh';
import type { MembersRequest, PublicPresence } from '@derailed/shared/protocol';
import type { Client } from './client';

/** What a ws-gateway says to session-nodes. Messages of one connection keep their order. */
export class SessionSender {
  constructor(
    private readonly mesh: Mesh,
    private readonly cluster: Cluster,
    private readonly publicUrl: () => string,
  ) {}

  /** False: nobody owns the key, or the way there is full. */
  identify(client: Client, order: IdentifyOrder, ringKey: string): boolean {
    const value = { ...order, connection: client.number, resumeGatewayUrl: this.publicUrl() };
    return this.ask(client, ringKey, { $case: 'identify', value });
  }

  /** False: nobody owns the key, or the way there is full. */
  resume(client: Client, order: ResumeOrder, ringKey: string): boolean {
    return this.ask(client, ringKey, { $case: 'resume', value: { ...order, connection: client.number } });
  }

  setPresence(client: Client, binding: Binding, presence: PublicPresence): void {
    this.tell(client, { $case: 'setPresence', value: { ...binding, presence } });
  }

  requestMembers(client: Client, binding: Binding, request: MembersRequest): void {
    const { guildId, query, limit, userIds, presences, nonce } = request;
    const value = {
      ...binding,
      guildId,
      hasQuery: query !== undefined,
      query: query ?? '',
      limit,
      userIds: [...userIds],
      presences,
      nonce,
    };
    this.tell(client, { $case: 'requestMembers', value });
  }

  ended(node: string, connection: number, binding: Binding, endSession: boolean): void {
    const message: Message = { $case: 'connectionEnded', value: { ...binding, endSession } };
    // Unheard, the session would take its client for connected for ever: past a full queue it goes as a signal.
    if (!this.mesh.send(node, flowOf(connection), message)) this.mesh.signal(node, message);
  }

  /** Unheard, a session would wait for its connection: past a full queue it goes as a signal. */
  released(node: string, value: MessageOf<'connectionReleased'>): void {
    const message: Message = { $case: 'connectionReleased', value };
    if (!this.mesh.send(node, flowOf(value.connection), message)) this.mesh.signal(node, message);
  }

  drained(client: Client, binding: Binding): void {
    this.tell(client, { $case: 'drained', value: { ...binding } });
  }

  /** On the control lane: a full link must not keep a session from sending less. */
  pressure(client: Client, binding: Binding, pressed: boolean): void {
    if (client.peer)
      this.mesh.signal(client.peer.id, { $case: 'socketPressure', value: { ...binding, pressed } });
  }

  private ask(client: Client, ringKey: string, message: Message): boolean {
    const owner = this.cluster.view.ownerOf('session-node', ringKey);
    if (owner === undefined || !this.mesh.send(owner, flowOf(client.number), message)) return false;
    client.asked = owner;
    return true;
  }

  private tell(client: Client, message: Message): void {
    if (client.peer) this.mesh.send(client.peer.id, flowOf(client.number), message);
  }
}

function flowOf(connection: number): string {
  return `c:${connection}`;
}
