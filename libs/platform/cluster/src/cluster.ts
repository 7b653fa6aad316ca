export const roles = ['ws-gateway', 'session-node', 'guild-node', 'presence-node', 'tunnel'] as const;
export type Role = (typeof roles)[number];

/**
 * joining: off the rings; it makes itself known to the others. serving: on the rings. draining: off the rings; what it still
 * holds is on its way to the new owners, and then it leaves.
 */
export const memberStates = ['joining', 'serving', 'draining'] as const;
export type MemberState = (typeof memberStates)[number];

/** A node as the member list has it. */
export interface Member {
  /** Also the address that others dial: HOST:PORT (LINK_ADVERTISE). */
  readonly id: string;
  /** Which of its starts. Empty in a static list: whichever answers there. */
  readonly incarnation: string;
  readonly roles: readonly Role[];
  readonly state: MemberState;
  /** The version of proto/derailed/link that it speaks; 0 in a static list: links find out. */
  readonly contractVersion: number;
}

/** The member list of one generation. Equal generations have equal rings everywhere. */
export interface ClusterView {
  /** The revision of the last change of the list. 0: this node has not seen the list yet, and nobody owns anything. */
  readonly generation: number;
  /** Sorted by id. */
  readonly members: readonly Member[];
  /** The node of `role` that owns the key: a guild id, a user id or `userId:shard`. Undefined: nobody has the role. */
  ownerOf(role: Role, key: string): string | undefined;
  /** Ids of those on the ring of the role: those that serve. */
  membersOf(role: Role): readonly string[];
  member(id: string): Member | undefined;
}

/** Why this node is no member (yet, or any more), in one sentence. */
export interface ClusterEvents {
  /** The view has changed. */
  onChange(listener: (view: ClusterView) => void): void;
  /** Something keeps the node from joining or renewing; undefined: no more. */
  onTrouble(listener: (why: string | undefined) => void): void;
  /** `cannotRenew` has changed. */
  onRenewal(listener: () => void): void;
  /** The lease has ended without the node's doing: others own its keys now, and it must stop. Said once. */
  onLost(listener: (why: string) => void): void;
}

/**
 * On what a node acts as an owner. lease: its own, which is sure not to have ended. outage: the store answers none of those
 * who own keys, so nobody's lease can have passed to another. none: it may not act.
 */
export type Footing = 'lease' | 'outage' | 'none';

/** A start of a node goes by the list of that generation: what it had by an earlier one it serves no more. */
export interface Adopted {
  readonly id: string;
  readonly incarnation: string;
  readonly generation: number;
}

/** Who else is there, and whether this node is. */
export interface Cluster extends ClusterEvents {
  readonly view: ClusterView;
  /** LEASE_TTL: how long a node that falls silent stays on the list (ms). Undefined: for ever. */
  readonly leaseTtl: number | undefined;
  /**
   * Whether this node may act as an owner at this moment. Asked on each accept, ack and flush, so it costs a comparison
   * or two.
   */
  holdsLease(): boolean;
  /** Why it may, or may not. */
  readonly footing: Footing;
  /** Whether the last renewal of the lease got no answer. */
  readonly cannotRenew: boolean;
  /**
   * Another node says that its own got none. While all owners do, nobody's lease ends.
   * @param askedAt when that node was asked, monotonic milliseconds of this one
   */
  heardCannotRenew(node: { readonly id: string; readonly incarnation: string }, askedAt: number): void;
  /**
   * By which list each node goes, as the store knows it: for those that can't be reached over a link.
   * @throws Error when the store does not answer
   */
  adopted(): Promise<readonly Adopted[]>;
  /** There is a link to that node. */
  linkMade(id: string): void;
  /** There is no link to that node any more: what it said does not count. */
  linkLost(id: string): void;
  /** Puts this node on the list as `joining`; done when it has seen itself there. Waits as long as it takes. */
  join(): Promise<void>;
  /** Says that this node serves, or drains, which is for good; done when it has seen it in the list. */
  become(state: 'serving' | 'draining'): Promise<void>;
  /** Takes this node off the list. */
  leave(): Promise<void>;
}
