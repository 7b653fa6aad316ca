import type { Mesh, MessageOf, NodeRef } from '@derailed/platform/mesh';
import { type Tail, jsonEncoding } from '@derailed/shared/protocol';
import type { Client } from './client';
import type { Clients } from './clients';
import type { Flusher } from './flusher';
import type { GatewayMetrics } from './metrics';
import type { SessionSender } from './session-sender';
import type { Shell } from './shell';
import { EventTails } from './wire/event-tails';
import type { Wires } from './wire/wires';

/** What session-nodes say to this ws-gateway. */
export class SessionReceiver {
  constructor(
    private readonly clients: Clients,
    private readonly flusher: Flusher,
    private readonly sender: SessionSender,
    private readonly shell: Shell,
    private readonly metrics: GatewayMetrics,
    private readonly wires: Wires,
  ) {}

  listen(mesh: Mesh): void {
    mesh.onMessage('bound', (value, from) => this.bound(value, from));
    mesh.onMessage('refused', (value) => this.refused(value));
    mesh.onMessage('deliver', (value, from) => this.deliver(value, from));
    mesh.onMessage('closeConnection', (value, from) => this.release(value, from));
    mesh.onMessage('connectionMoving', (value, from) => this.moving(value, from));
    mesh.onPeer(({ kind, node }) => {
      if (kind === 'gone') this.gone(node);
      else this.up(node);
    });
  }

  private bound({ connection, sessionId, epoch, seq }: MessageOf<'bound'>, from: NodeRef): void {
    const client = this.clients.get(connection);
    const binding = { sessionId, epoch };
    // Not only from the node that was asked: it may have passed the request on to the one that has the session now.
    if (!client?.connection.accepts(binding)) {
      // A session that never sent anything can't be resumed by anybody.
      this.sender.ended(from.id, connection, binding, seq === 0);
      return;
    }
    if (client.asked !== undefined && seq > 0) this.metrics.resumes.inc();
    client.asked = undefined;
    client.peer = from;
    client.before = undefined;
    if (client.outbox.pressed) this.sender.pressure(client, binding, true);
    this.shell.run(client, client.connection.bound(binding, seq, this.shell.now()));
  }

  private refused({ connection, closeCode, resumable, delayMs }: MessageOf<'refused'>): void {
    const client = this.clients.get(connection);
    if (client?.asked === undefined) return;
    client.asked = undefined;
    this.shell.run(client, client.connection.refused(closeCode, resumable, delayMs, this.shell.now()));
  }

  private release({ connection, epoch, closeCode }: MessageOf<'closeConnection'>, from: NodeRef): void {
    const client = this.clients.get(connection);
    if (client === undefined || !isFrom(client, from)) return;
    const effects = client.connection.released(epoch, closeCode, this.shell.now());
    if (!client.connection.binding) client.peer = undefined;
    this.shell.run(client, effects);
  }

  /** All that the session's node dispatched is here: from now on the connection hears the next one alone. */
  private moving(value: MessageOf<'connectionMoving'>, from: NodeRef): void {
    const { connection, sessionId, epoch, node, incarnation } = value;
    const client = this.clients.get(connection);
    const binding = client?.connection.binding;
    const isIts = binding?.sessionId === sessionId && binding.epoch === epoch;
    const open = client !== undefined && isIts && isFrom(client, from);
    if (open) {
      client.peer = { id: node, incarnation };
      client.before = from;
    }
    const pressed = open && client.outbox.pressed;
    this.sender.released(node, { connection, sessionId, epoch, open, pressed, forsaken: false });
  }

  /** What was said to the node before is lost: connections that wait for their session there are named again. */
  private up(node: NodeRef): void {
    for (const client of this.clients) {
      if (client.before !== undefined && isFrom(client, node)) this.nameAgain(client, false);
    }
  }

  private deliver({ event, connections, seqs, wantsDrain }: MessageOf<'deliver'>, from: NodeRef): void {
    if (!event) return;
    const tails = new EventTails(event, this.wires.blocks);
    let text: Tail | undefined;
    const live = event.name === 'READY' || event.name === 'RESUMED';
    let taken = 0;
    for (let index = 0; index < connections.length; index++) {
      const client = this.clients.get(connections[index]!);
      if (client === undefined || !isFrom(client, from)) continue;
      const seq = seqs[index]!;
      if (!client.connection.advance(seq)) {
        this.metrics.gaps.inc();
        this.shell.run(client, client.connection.lost());
        continue;
      }
      taken++;
      const { outbox } = client;
      const tail = outbox.wire === undefined ? (text ??= tails.plain(jsonEncoding)) : outbox.wire.tail(tails);
      outbox.push(tail, seq);
      if (live) {
        client.connection.live(this.shell.now());
        this.shell.settle(client);
      }
      if (wantsDrain) this.awaitDrain(client);
      this.flusher.enqueue(outbox);
    }
    if (event.publishedAt !== undefined && taken > 0) this.flusher.carries(event.publishedAt);
    this.metrics.dispatches.inc(taken);
    if (taken < connections.length) this.metrics.stray.inc(connections.length - taken);
  }

  private awaitDrain(client: Client): void {
    const { binding } = client.connection;
    if (!binding) return;
    client.outbox.awaitDrain(() => {
      this.sender.drained(client, binding);
    });
  }

  private gone(node: NodeRef): void {
    for (const client of this.clients) {
      if (client.asked === node.id) this.shell.run(client, client.connection.unreachable());
      // Also one whose session was on its way there: only a resume finds out where that is now, if anywhere.
      else if (isFrom(client, node)) this.shell.run(client, client.connection.lost());
      else if (client.before?.id === node.id) {
        client.before = undefined;
        this.nameAgain(client, true);
      }
    }
  }

  /** The node that its session moves to knows whether it came there, and lets the connection go if not. */
  private nameAgain(
    { peer, number: connection, outbox, connection: { binding } }: Client,
    forsaken: boolean,
  ): void {
    if (peer === undefined || binding === undefined) return;
    const { pressed } = outbox;
    this.sender.released(peer.id, { connection, ...binding, open: true, pressed, forsaken });
  }
}

function isFrom({ peer }: Client, node: NodeRef): boolean {
  return (
    peer === node || (peer !== undefined && peer.id === node.id && peer.incarnation === node.incarnation)
  );
}
