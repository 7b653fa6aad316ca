import type { Envelope } from '@derailed/shared/contract';
import type { NodeRef, PeerEvent } from './mesh';

/**
 * The seam between the mesh and what carries its envelopes. A wiring gives the order and the exactly-once that
 * Mesh promises, and never calls the receiver from within `send` or `signal`.
 */
export interface Link {
  /** Who hears what arrives. Set once, before anything is sent. */
  attach(receiver: LinkReceiver): void;
  /** Data lane. False: full, or no such node. */
  send(node: string, flow: string, envelope: Envelope): boolean;
  /** Control lane. False: no such node, or it is gone. */
  signal(node: string, envelope: Envelope): boolean;
  /** Opens the door, if there is one. Called when all handlers are registered. */
  listen(): Promise<void>;
  close(): Promise<void>;
}

/** What a wiring tells the mesh. Neither method throws. */
export interface LinkReceiver {
  received(envelope: Envelope, from: NodeRef): void;
  peerChanged(event: PeerEvent): void;
}
