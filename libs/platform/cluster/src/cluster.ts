export const roles = ['ws-gateway', 'session-node', 'guild-node', 'presence-node', 'tunnel'] as const;
export type Role = (typeof roles)[number];

/** A node as the member list has it. */
export interface Member {
  /** Also the address that others dial: HOST:PORT (LINK_ADVERTISE). */
  readonly id: string;
  readonly roles: readonly Role[];
}

/** The member list of one generation. Equal generations have equal rings everywhere. */
export interface ClusterView {
  readonly generation: number;
  readonly members: readonly Member[];
  /** The node of `role` that owns the key: a guild id, a user id or `userId:shard`. Undefined: nobody has the role. */
  ownerOf(role: Role, key: string): string | undefined;
  membersOf(role: Role): readonly string[];
}

/** Who else is there. */
export interface Cluster {
  readonly view: ClusterView;
  /** Called after `view` has changed. */
  onChange(listener: (view: ClusterView) => void): void;
}
