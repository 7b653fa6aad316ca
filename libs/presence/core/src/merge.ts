/** What others may see of one session (derailed.link.v1.Presence). */
export interface SessionPresence {
  /** online, idle, dnd or invisible. */
  readonly status: string;
  /** JSON array text, already checked and stripped to what is public. */
  readonly activities: string;
  /** web, desktop, mobile or vr. */
  readonly client: string;
}

/** What others see of a user: the fields of PRESENCE_UPDATE, as text that can be compared. */
export interface PublicPresence {
  readonly status: 'online' | 'idle' | 'dnd' | 'offline';
  /** JSON array text. */
  readonly activities: string;
  /** JSON object text, client type to status. */
  readonly clientStatus: string;
}

export const offline: PublicPresence = { status: 'offline', activities: '[]', clientStatus: '{}' };

/**
 * Which of a user's sessions speaks for the user: the one with the highest rank. Discord says only that sessions
 * are merged; this order is ours. A person who is at one device is there, whatever a forgotten one says; "do not
 * disturb" says less about being there than idle does. A status that is not here (invisible, offline) shows nothing.
 */
export const statusRank = { online: 3, idle: 2, dnd: 1 } as const;

type ShownStatus = keyof typeof statusRank;

const clients = ['desktop', 'mobile', 'web', 'vr'] as const;

/** What nearly everybody shows, one object each for all of them: one client, no activities. By `status client`. */
const plain: ReadonlyMap<string, PublicPresence> = new Map(
  (Object.keys(statusRank) as ShownStatus[]).flatMap((status) =>
    clients.map((client): [string, PublicPresence] => [
      `${status} ${client}`,
      { status, activities: '[]', clientStatus: `{"${client}":"${status}"}` },
    ]),
  ),
);

function isShown(status: string): status is ShownStatus {
  return Object.hasOwn(statusRank, status);
}

/**
 * Merges a user's sessions. Status: the highest rank. client_status: the highest rank of each client type.
 * Activities: those of the highest session that has any; of equals the one that spoke last.
 * @param sessions in the order in which they last changed, the latest last
 */
export function mergePresences(sessions: Iterable<SessionPresence>): PublicPresence {
  let status: ShownStatus | undefined;
  let activities = '[]';
  let activitiesRank = 0;
  const byClient = new Map<string, ShownStatus>();
  for (const session of sessions) {
    if (!isShown(session.status)) continue;
    const rank = statusRank[session.status];
    if (status === undefined || rank > statusRank[status]) status = session.status;
    if (session.activities !== '[]' && session.activities !== '' && rank >= activitiesRank) {
      activities = session.activities;
      activitiesRank = rank;
    }
    const there = byClient.get(session.client);
    if (there === undefined || rank > statusRank[there]) byClient.set(session.client, session.status);
  }
  if (status === undefined) return offline;
  const shown = clients.filter((client) => byClient.has(client));
  if (shown.length === 1 && activities === '[]') return plain.get(`${status} ${shown[0]}`)!;
  const clientStatus = `{${shown.map((client) => `"${client}":"${byClient.get(client)}"`).join(',')}}`;
  return { status, activities, clientStatus };
}

export function samePresence(one: PublicPresence, other: PublicPresence): boolean {
  return (
    one.status === other.status &&
    one.activities === other.activities &&
    one.clientStatus === other.clientStatus
  );
}
