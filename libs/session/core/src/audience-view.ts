import { type AudienceEvent, Kind, RecentIds, type StreamPoint } from '@derailed/audience/core';
import { SparseMap } from '@derailed/shared/kernel';
import type { Entry } from './agenda';
import { Doubt } from './doubt';
import { FanOutTable } from './fan-out-table';
import { Pasts } from './inherited-ids';
import type { NodeRef, Subscribed } from './messages';
import type { Session } from './session';
import { flowOf } from './flow';

/** An event whose ack waits until sessions have subscribed to a guild. */
export interface JoinWait {
  readonly event: Readonly<AudienceEvent>;
  readonly waitingFor: Set<Session>;
  sessions: number;
}

/** What became of an event here. */
export interface Handled {
  /** To how many sessions it went. */
  readonly sessions: number;
  /** How many events had been handled in the audience, this one included. */
  readonly at: number;
}

/** A Subscribe that is not answered yet, or is to be repeated. */
export interface Asking {
  readonly session: Session;
  /** False: the client has its GUILD_CREATE from an owner that is gone. */
  wantsSnapshot: boolean;
  /** The channels that the client knows from an owner that is gone. */
  told: ReadonlySet<string> | undefined;
  /** Whether the client was told that the guild is unavailable. */
  outage: boolean;
  /** Whether the client knows of the guild: from READY, or from before. */
  announced: boolean;
  attempt: number;
  /** The node that was asked; undefined while waiting to ask. */
  asked: string | undefined;
  timer: Entry | undefined;
  join: JoinWait | undefined;
  /** The user was said to be a member since the owner was asked. */
  isCalled?: boolean;
  /** It was subscribed at an owner that is gone, and may miss nothing of what came since. */
  rejoins: boolean;
  /** How far this node had come there. */
  followed: StreamPoint | undefined;
  /** The session is let into its guilds a few at a time, and this is one of them. */
  paced: boolean;
  /** Subscribed at an index that this node has not reached: it enters the table there. */
  answer: Subscribed | undefined;
}

/** One audience as this session-node sees it: its owner, how far it has come, and who here gets its events. */
export class AudienceView {
  table = new FanOutTable();
  readonly asking = new SparseMap<Session, Asking>();
  /** By event id. Outlives an owner: a publish repeated at the next is recognised. */
  readonly recent: RecentIds<Handled>;
  /** How many events have been put in `recent`. */
  handled = 0;
  /** Of sessions that came from another node a while ago. */
  readonly pasts = new Pasts();
  /** The ordering key of its stream. */
  readonly flow: string;
  /** The shared part of the last snapshot of each class. */
  readonly sharedData = new SparseMap<number, Uint8Array>();
  /** Of a guild: whom clients here may take for not offline. Outlives an owner, who alone knew it else. */
  readonly shown = new Set<string>();
  /** Undefined until the first Subscribed of an owner. */
  owner: NodeRef | undefined;
  /** Which of the times that the owner has begun with this audience. */
  term = 0;
  /** All up to here is in the replay buffers. */
  index = 0;
  /** All up to here has arrived; what is after index waits in queue. */
  received = 0;
  /** Index for which AudienceSync was sent; not sent twice. */
  syncedAt: number | undefined;
  joining: JoinWait | undefined;
  queue: Readonly<AudienceEvent>[] = [];
  /** How many of asking have an answer that waits for its index. */
  entering = 0;
  /** Under which number owners are asked: what they said under another one is not kept here. */
  number: number;
  /** While nobody is followed, and who was asked may answer for a stream that is over. */
  doubt: Doubt | undefined;

  /** @param nextNumber never the same twice on this node */
  constructor(
    readonly kind: Kind,
    readonly id: string,
    recentIds: number,
    private readonly nextNumber: () => number,
  ) {
    this.recent = new RecentIds(recentIds);
    this.flow = flowOf(kind, id);
    this.number = nextNumber();
  }

  get idle(): boolean {
    return this.table.size === 0 && this.asking.size === 0;
  }

  /** What the event says of who is online. */
  note({ kind, aboutUserId, aboutOffline, endsUserId }: Readonly<AudienceEvent>): void {
    if (kind !== Kind.guild) return;
    if (endsUserId !== '') this.shown.delete(endsUserId);
    if (aboutUserId === '') return;
    if (aboutOffline) this.shown.delete(aboutUserId);
    else this.shown.add(aboutUserId);
  }

  remember(eventId: string, sessions: number): void {
    if (!this.recent.has(eventId)) this.recent.put(eventId, { sessions, at: ++this.handled });
  }

  /** The stream of this owner begins here. */
  begin(owner: NodeRef, term: number, index: number): void {
    this.owner = owner;
    this.term = term;
    this.index = index;
    this.received = index;
    this.syncedAt = undefined;
    this.doubt = undefined;
  }

  /**
   * The owner has nobody here to send to, but may be asked already: where the next Subscribed says, the stream
   * goes on. Classes stay, because the owner need not repeat what it has said.
   */
  pause(): void {
    this.owner = undefined;
    this.queue = [];
    this.joining = undefined;
  }

  /** Whether sessions here were subscribed at an owner that is gone, and have no other yet. */
  get rejoining(): boolean {
    for (const { rejoins } of this.asking.values()) if (rejoins) return true;
    return false;
  }

  /**
   * The owner has forgotten this node: nobody gets events until subscribed anew.
   * @param knowsClasses whether the owner has told already what classes see from here on
   * @returns who was in the table
   */
  end(knowsClasses = false): Session[] {
    const sessions = this.table.all();
    if (knowsClasses) for (const session of sessions) this.table.remove(session);
    else this.table = new FanOutTable();
    this.sharedData.clear();
    this.lose();
    this.pause();
    return sessions;
  }

  /** Something that an owner said is not kept: who is asked next has to say all of it. */
  lose(): void {
    this.number = this.nextNumber();
  }

  /** Who is asked from here on may have been asked before, and may have lost the audience since. */
  beginDoubt(): void {
    this.lose();
    if (this.doubt === undefined) this.doubt = new Doubt(this.number);
    else this.doubt.raise(this.number);
  }

  /** The session enters: what it had elsewhere is known of it from here on. */
  inherit(session: Session): void {
    const had = session.had?.get(this.flow);
    if (had === undefined) return;
    session.had?.delete(this.flow);
    this.pasts.set(session, { ...had, since: 0 });
  }

  /** How far this node has come at the present owner. */
  get point(): StreamPoint | undefined {
    const { kind, id: audienceId, owner, term, index } = this;
    if (owner === undefined) return undefined;
    return { kind, audienceId, owner: owner.id, ownerIncarnation: owner.incarnation, term, index };
  }

  /** Whether it is a place in the stream that is followed here. */
  isOf({ owner, ownerIncarnation, term }: StreamPoint): boolean {
    return this.isFrom({ id: owner, incarnation: ownerIncarnation }) && this.term === term;
  }

  isFrom(node: NodeRef): boolean {
    return this.owner?.id === node.id && this.owner.incarnation === node.incarnation;
  }
}
