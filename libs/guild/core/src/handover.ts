import type { GuildSnapshot, Member, VoiceState } from '@derailed/shared/protocol';
import type { GuildModel } from './guild-model';
import type { Presences } from './presences';
import type { Reconciliation } from './reconciliation';

/** A guild as its owner knew it when it ceased to serve it: what the next owner need not read. */
export interface Handover extends GuildSnapshot {
  /** If `members` is null: those that are known all the same. */
  readonly known: readonly Member[];
  /** No database has them. */
  readonly voices: readonly VoiceState[];
  /** When the database was read, in milliseconds since the Unix epoch. */
  readonly readAt: number;
  /** Something was published since that may change who sees what. */
  readonly unread: boolean;
}

export function isHandover(snapshot: GuildSnapshot | Handover | null): snapshot is Handover {
  return snapshot !== null && 'known' in snapshot;
}

/** More members of a large guild than these are left to the database: one message has an end. */
const mostKnown = 10_000;

export function handoverOf(
  { state }: Pick<GuildModel, 'state'>,
  { voices }: Pick<Presences, 'voices'>,
  { lastReadAt, isOwed }: Pick<Reconciliation, 'lastReadAt' | 'isOwed'>,
): Handover {
  const { guild, memberCount, complete } = state;
  const members = [...state.members.values()];
  return {
    guild,
    roles: [...state.roles.values()],
    channels: [...state.channels.values()],
    memberCount,
    members: complete ? members : null,
    known: complete || members.length > mostKnown ? [] : members,
    voices: voices.all(),
    readAt: lastReadAt,
    unread: isOwed,
  };
}
