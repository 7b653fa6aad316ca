import type { StreamPoint } from '@derailed/audience/core';
import type { JoinWait } from './audience-view';
import type { Entry } from './agenda';
import type { Arrived } from './event-stream';
import type { Had } from './inherited-ids';
import type { NodeRef, Resume } from './messages';
import type { ClientMessage, ConnectionReleased, SessionState } from './move-messages';
import type { Session } from './session';
import { flowOf } from './flow';

/** A session that comes here from another node. */
export interface Arrival {
  readonly session: Session;
  /** The node that has it. */
  readonly from: NodeRef;
  /** By flow: from where on this node queues for it. */
  readonly points: Map<string, StreamPoint>;
  /** By flow: how many events this node had handled there. */
  readonly since: Map<string, number>;
  readonly wanted: Set<string>;
  /** By guild: the event by which it left that while it was on its way. */
  readonly left: Map<string, { readonly flow: string; readonly index: number }>;
  /** By flow, with its state: what it has had of that. */
  readonly had: Map<string, Had>;
  joins: JoinWait[];
  readonly messages: { readonly message: ClientMessage; readonly gateway: NodeRef }[];
  readonly resumes: { readonly value: Resume; readonly gateway: NodeRef }[];
  closing: Arrived | undefined;
  timer: Entry | undefined;
  state: SessionState | undefined;
  released: { readonly value: ConnectionReleased; readonly gateway: NodeRef } | undefined;
  /** It lives here; its connection is not here yet. */
  adopted: boolean;
}

export function arrivalOf(session: Session, from: NodeRef): Arrival {
  return {
    session,
    from,
    points: new Map(),
    since: new Map(),
    wanted: new Set(),
    left: new Map(),
    had: new Map(),
    joins: [],
    messages: [],
    resumes: [],
    closing: undefined,
    timer: undefined,
    state: undefined,
    released: undefined,
    adopted: false,
  };
}

/** Names the start of a node. */
export function originOf({ id, incarnation }: NodeRef): string {
  return `${id} ${incarnation}`;
}

export function isSame(one: NodeRef, other: NodeRef): boolean {
  return one.id === other.id && one.incarnation === other.incarnation;
}

/** By flow. */
export function pointsOf({ points }: { readonly points: readonly StreamPoint[] }): Map<string, number> {
  return new Map(points.map(({ kind, audienceId, index }) => [flowOf(kind, audienceId), index]));
}

/** @param unknown what holds of a stream that the session is not in */
export function isPast(
  points: ReadonlyMap<string, number> | undefined,
  flow: string,
  index: number,
  unknown = false,
): boolean {
  const reached = points?.get(flow);
  return reached === undefined ? unknown : index <= reached;
}
