import type { Snowflake } from '@derailed/shared/kernel';
import { type User, readyPayload } from '@derailed/shared/protocol';
import type { Presence } from './messages';
import type { Session } from './session';

/** What the database says of a user who identifies. */
export interface Readiness {
  readonly user: User;
  readonly settings: { readonly status: string } | null;
  /** All guilds that the user is a member of. */
  readonly guildIds: readonly Snowflake[];
  readonly guildPositions: readonly { readonly guildId: Snowflake; readonly position: number }[];
  readonly activities: readonly { readonly type: number; readonly content: string }[];
}

/** The data of READY. */
export function readyJson(session: Session, readiness: Readiness, guildIds: readonly Snowflake[]): string {
  const { shard, version, resumeGatewayUrl, bot } = session.traits;
  return readyPayload({
    version,
    user: readiness.user,
    guildIds,
    sessionId: session.id,
    resumeGatewayUrl,
    shard: shard === undefined ? [0, 1] : [shard.id, shard.count],
    settings: readiness.settings,
    guildPositions: bot ? undefined : readiness.guildPositions.map(({ guildId }) => guildId),
  });
}

const choices: ReadonlySet<string> = new Set(['online', 'idle', 'dnd', 'invisible']);
const customStatus = 4;

/** How a session is seen whose client said nothing: as its user chose last, else online. */
export function defaultPresence({ settings, activities }: Readiness, client: string): Presence {
  const status = settings !== null && choices.has(settings.status) ? settings.status : 'online';
  const shown = activities.map(({ type, content }) =>
    type === customStatus ? { name: 'Custom Status', type, state: content } : { name: content, type },
  );
  return { status, activities: JSON.stringify(shown), client };
}
