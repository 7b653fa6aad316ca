/** How far a session-node has come in the stream of an audience; field by field derailed.link.v1.StreamPoint. */
export interface StreamPoint {
  kind: number;
  audienceId: string;
  /** Whose stream it is, and which of its terms. */
  owner: string;
  ownerIncarnation: string;
  term: number;
  /** All up to here is in the replay buffers. */
  index: number;
}

/** A session-node that its owner went on without; field by field derailed.link.v1.AudienceWasBehind. */
export interface Notice {
  kind: number;
  audienceId: string;
  owner: string;
  ownerIncarnation: string;
  term: number;
  node: string;
  /** The node was behind until it had the event of this index. */
  needs: number;
}

/** Of a session-node: what owners have said of who is behind, for the owners after them. The oldest go first. */
export class Notices {
  private readonly notices = new Map<string, Notice>();

  constructor(private readonly limit = 65_536) {}

  get size(): number {
    return this.notices.size;
  }

  /** The last word of an owner about a node in an audience counts. With `needs` 0 the node is behind no more. */
  put(notice: Notice): void {
    const { kind, audienceId, owner, ownerIncarnation, term, node } = notice;
    const key = JSON.stringify([kind, audienceId, owner, ownerIncarnation, term, node]);
    this.notices.delete(key);
    if (notice.needs === 0) return;
    this.notices.set(key, notice);
    if (this.notices.size <= this.limit) return;
    for (const oldest of this.notices.keys()) {
      this.notices.delete(oldest);
      break;
    }
  }

  matching(matches: (notice: Notice) => boolean): Notice[] {
    return [...this.notices.values()].filter(matches);
  }

  drop(matches: (notice: Notice) => boolean): void {
    for (const [key, notice] of this.notices) if (matches(notice)) this.notices.delete(key);
  }
}

interface Account {
  readonly points: Map<string, (StreamPoint | undefined)[]>;
  readonly notices: Map<string, Notice[]>;
}

/**
 * Of an owner that is about to serve: how far each session-node has come, and whom the owners before went on without. The
 * two come in any order.
 */
export class Shortfalls {
  private readonly accounts = new Map<string, Account>();

  /** A session there was subscribed at an owner before. @returns whether it is behind for good */
  followed(audienceId: string, node: string, point: StreamPoint | undefined): boolean {
    const { points, notices } = this.account(audienceId);
    const known = points.get(node) ?? [];
    if (!known.some((each) => isSame(each, point))) points.set(node, [...known, point]);
    return (notices.get(node) ?? []).some((notice) => isBehind(point, notice));
  }

  /** @returns whether sessions of the node have subscribed again that are behind for good */
  noticed(notice: Notice): boolean {
    const { points, notices } = this.account(notice.audienceId);
    notices.set(notice.node, [...(notices.get(notice.node) ?? []), notice]);
    return (points.get(notice.node) ?? []).some((point) => isBehind(point, notice));
  }

  /** Every session-node has said all, or is given up. */
  clear(): void {
    this.accounts.clear();
  }

  private account(audienceId: string): Account {
    let account = this.accounts.get(audienceId);
    if (account === undefined)
      this.accounts.set(audienceId, (account = { points: new Map(), notices: new Map() }));
    return account;
  }
}

/** Of another owner than the one that it last followed: it never came to follow that one. */
function isBehind(point: StreamPoint | undefined, { owner, ownerIncarnation, term, needs }: Notice): boolean {
  if (point?.owner !== owner || point.ownerIncarnation !== ownerIncarnation) return true;
  return point.term === term ? point.index < needs : point.term < term;
}

function isSame(one: StreamPoint | undefined, other: StreamPoint | undefined): boolean {
  return (
    one?.owner === other?.owner &&
    one?.ownerIncarnation === other?.ownerIncarnation &&
    one?.term === other?.term &&
    one?.index === other?.index
  );
}
