import type { Presence } from './messages';

/** Which session speaks for its user. The same order as that of PRESENCE_UPDATE (libs/presence/core); what is not here shows nothing. */
const rank = { online: 3, idle: 2, dnd: 1 } as const;

function rankOf(status: string): number {
  return Object.hasOwn(rank, status) ? rank[status as keyof typeof rank] : 0;
}

const begun = /"created_at":\d+/g;

/** Whether nothing changed but the time at which activities were said to begin: that of the first time holds. */
export function saysTheSame(one: Presence, other: Presence): boolean {
  return (
    one.status === other.status &&
    one.client === other.client &&
    one.activities.replace(begun, '') === other.activities.replace(begun, '')
  );
}

/** The highest status of a user's sessions, with that session's activities; of equals the last one's. */
export function mergedPresence(presences: Iterable<Presence | undefined>): {
  status: string;
  activities: string;
} {
  let best: Presence | undefined;
  for (const presence of presences) {
    if (presence === undefined || rankOf(presence.status) === 0) continue;
    if (best === undefined || rankOf(presence.status) >= rankOf(best.status)) best = presence;
  }
  return best === undefined
    ? { status: 'offline', activities: '[]' }
    : { status: best.status, activities: best.activities };
}
