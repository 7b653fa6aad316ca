import { RecentIds } from '@derailed/audience/core';
import type { Handled } from './audience-view';
import type { RecentEvents } from './move-messages';
import type { Session } from './session';
import { flowOf } from './flow';

/** Ids of events that the sessions of another node have had in one audience, numbered in the order in which they came. */
export class ForeignIds {
  private readonly numbers: RecentIds<number>;
  private count = 0;

  constructor(limit: number) {
    this.numbers = new RecentIds(limit);
  }

  get last(): number {
    return this.count;
  }

  add(id: string): void {
    if (!this.numbers.has(id)) this.numbers.put(id, ++this.count);
  }

  /** Whether it is among the first so many. */
  has(id: string, upTo: number): boolean {
    const number = this.numbers.get(id);
    return number !== undefined && number <= upTo;
  }
}

/** Events that a session has had elsewhere in one audience: the first so many of these. */
export interface Had {
  readonly ids: ForeignIds | undefined;
  readonly upTo: number;
}

/** What a session had had in an audience when it came here from another node. */
interface Past extends Had {
  /** How many events this node had handled in the audience when the session's own came to be queued here. */
  readonly since: number;
}

/**
 * The sessions of an audience that came from another node. An event is known by its id when an owner that lost its
 * memory publishes it again; which sessions have had it is then not the same for those that were always here and
 * those that came.
 */
export class Pasts {
  private readonly bySession = new Map<Session, Past>();

  get size(): number {
    return this.bySession.size;
  }

  set(session: Session, past: Past): void {
    this.bySession.set(session, past);
  }

  delete(session: Session): void {
    this.bySession.delete(session);
  }

  /** Of an event that is new here: the sessions that had it where they came from. */
  having(id: string): Session[] {
    if (id === '') return [];
    return this.those(({ ids, upTo }) => ids?.has(id, upTo) === true);
  }

  /** Of an event that was handled here before: the sessions that have had it neither here nor where they came from. */
  lacking(id: string, { at }: Handled): Session[] {
    return this.those(({ ids, upTo, since }) => at <= since && ids?.has(id, upTo) !== true);
  }

  private those(test: (past: Past) => boolean): Session[] {
    const found: Session[] = [];
    for (const [session, past] of this.bySession) if (test(past)) found.push(session);
    return found;
  }
}

/** All that other nodes have said of the ids that their sessions had. */
export class InheritedIds {
  private readonly byNode = new Map<string, Map<string, ForeignIds>>();

  constructor(private readonly limit: number) {}

  /** @param origin the start of a node */
  learn(origin: string, { kind, audienceId, ids }: RecentEvents): void {
    let ofNode = this.byNode.get(origin);
    if (ofNode === undefined) this.byNode.set(origin, (ofNode = new Map()));
    const flow = flowOf(kind, audienceId);
    let known = ofNode.get(flow);
    if (known === undefined) ofNode.set(flow, (known = new ForeignIds(this.limit)));
    for (const id of ids) known.add(id);
  }

  /** What a session from there has had whose state comes now. */
  had(origin: string, flow: string): Had {
    const ids = this.byNode.get(origin)?.get(flow);
    return { ids, upTo: ids?.last ?? 0 };
  }

  forget(origin: string): void {
    this.byNode.delete(origin);
  }
}
