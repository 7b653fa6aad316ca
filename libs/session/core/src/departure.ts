import { Kind, type StreamPoint } from '@derailed/audience/core';
import type { Entry } from './agenda';
import type { Asking, AudienceView } from './audience-view';
import type { Kit } from './kit';
import type { MemberRequests } from './member-requests';
import type { NodeRef } from './messages';
import type { EnteringGuild, SessionOffer, SessionState } from './move-messages';
import type { Binding, Session } from './session';
import type { Shelf } from './shelf';
import { flowOf } from './flow';
import type { Views } from './views';

/** A session that goes to another node. */
export interface Departure {
  readonly session: Session;
  /** The node that it goes to. */
  readonly to: string;
  readonly since: number;
  /** That node's start, once it has answered. */
  target: NodeRef | undefined;
  /** Flows of the audiences that were named to it. */
  readonly offered: Set<string>;
  /** By flow: from where on that node queues. */
  readonly points: Map<string, StreamPoint>;
  timer: Entry | undefined;
  /** When its state was sent. Until it is heard what became of that, the session here only keeps what comes. */
  frozenAt: number | undefined;
  /** The connection that was told to wait for the session there. */
  lent: Binding | undefined;
  bytes: number;
}

export function departureOf(session: Session, to: string, now: number): Departure {
  return {
    session,
    to,
    since: now,
    target: undefined,
    offered: new Set(),
    points: new Map(),
    timer: undefined,
    frozenAt: undefined,
    lent: undefined,
    bytes: 0,
  };
}

/** Puts together what another node is told of a session. */
export class Packing {
  constructor(
    private readonly kit: Kit,
    private readonly views: Views,
    private readonly members: MemberRequests,
  ) {}

  offer({ session, offered }: Departure): SessionOffer {
    const { id, shard, ...traits } = session.traits;
    const guildIds = [...session.guilds].filter(
      (guildId) => this.views.get(Kind.guild, guildId)?.table.has(session) === true,
    );
    for (const guildId of guildIds) offered.add(flowOf(Kind.guild, guildId));
    const sharded = {
      sharded: shard !== undefined,
      shardId: shard?.id ?? 0,
      shardCount: shard?.count ?? 1,
    };
    const generation = this.kit.placement.generation();
    return { sessionId: id, generation, traits: { ...traits, ...sharded }, guildIds };
  }

  /** The audiences that it is in; undefined while it is about to be in more, or in one again. */
  viewsOf(session: Session): AudienceView[] | undefined {
    const { views } = this;
    const user = views.get(Kind.user, session.userId);
    if (user?.owner === undefined || !user.table.has(session)) return undefined;
    const found = [user];
    for (const guildId of session.guilds) {
      const view = views.get(Kind.guild, guildId);
      const asking = view?.asking.get(session);
      if (asking !== undefined && !canWait(asking)) return undefined;
      if (view?.table.has(session) !== true) continue;
      if (view.owner === undefined) return undefined;
      found.push(view);
    }
    return found;
  }

  /** @param views those of viewsOf() */
  state(session: Session, views: readonly AudienceView[], shelf: Shelf, now: number): SessionState {
    const { buffer, binding, state } = session;
    for (const view of views) shelf.tell(view);
    // Those that it is not in now it may have been in before.
    for (const guildId of session.guilds) shelf.tell(this.views.get(Kind.guild, guildId));
    const { requests, turns } = this.members.handOver(session, now);
    const connection = binding && {
      gateway: binding.outlet.node.id,
      incarnation: binding.outlet.node.incarnation,
      connection: binding.connection,
      nextSeq: state === 'replaying' ? session.cursor : buffer.last + 1,
      replaying: state === 'replaying' && session.resuming,
    };
    const missed = [...(session.missed?.entries() ?? [])].map(({ guildId, aboutUserId, presence }) => ({
      guildId,
      userId: aboutUserId,
      event: shelf.put(presence),
    }));
    return {
      sessionId: session.id,
      epoch: session.epoch,
      firstSeq: buffer.first,
      replay: [...buffer.all()].map((dispatch) => shelf.put(dispatch)),
      points: views.flatMap(({ point }) => point ?? []),
      entering: this.entering(session, views),
      presence: session.presence,
      shown: session.shown,
      connection,
      awayMs: binding === undefined ? Math.max(0, Math.floor(now - session.detachedAt)) : 0,
      missed,
      memberRequests: requests,
      memberListTurns: turns,
      generation: this.kit.placement.generation(),
      hop: session.hop,
      ...shelf.state,
    };
  }

  private entering(session: Session, views: readonly AudienceView[]): EnteringGuild[] {
    const entered = new Set(views.map(({ flow }) => flow));
    return [...session.guilds].flatMap((guildId) => {
      if (entered.has(flowOf(Kind.guild, guildId))) return [];
      const asking = this.views.get(Kind.guild, guildId)?.asking.get(session);
      return { guildId, outage: asking?.outage ?? session.entry?.outages.has(guildId) ?? false };
    });
  }
}

/** READY is not sent yet, or nothing of it is here. */
export function mayGo({ state }: Session): boolean {
  return state !== 'starting' && state !== 'arriving' && state !== 'ended';
}

/** Whether the other node may ask in this one's place: nothing of the guild has come, and nobody waits for the answer. */
function canWait({ answer, join, rejoins }: Asking): boolean {
  return answer === undefined && join === undefined && !rejoins;
}

/** All that the other node does not get is in the session's buffer. */
export function hasReached(view: AudienceView, point: StreamPoint | undefined): boolean {
  return point !== undefined && view.isOf(point) && view.index >= point.index;
}
