import type { Snowflake } from '@derailed/shared/kernel';

export interface PresenceUpdate {
  readonly userId: Snowflake;
  /** Left out in GUILD_CREATE and GUILD_MEMBERS_CHUNK. */
  readonly guildId?: Snowflake;
  /** offline, online, idle or dnd; never invisible. */
  readonly status: string;
  /** JSON text of an array. */
  readonly activities: string;
  /** JSON text of an object such as {"desktop":"online"}. */
  readonly clientStatus: string;
}

/** The data of PRESENCE_UPDATE. */
export function presenceUpdateJson({
  userId,
  guildId,
  status,
  activities,
  clientStatus,
}: PresenceUpdate): string {
  const guild = guildId === undefined ? '' : `,"guild_id":"${guildId}"`;
  return (
    `{"user":{"id":"${userId}"}${guild},"status":${JSON.stringify(status)}` +
    `,"activities":${activities},"client_status":${clientStatus}}`
  );
}

export interface MembersChunk {
  readonly guildId: Snowflake;
  /** memberJson texts, at most 1,000. */
  readonly members: readonly string[];
  readonly chunkIndex: number;
  /** At least 1: a request without matches is answered too. */
  readonly chunkCount: number;
  /** For requests by id, even when empty; absent otherwise. */
  readonly notFound?: readonly Snowflake[] | undefined;
  /** presenceUpdateJson texts without a guild id, when they were asked for. */
  readonly presences?: readonly string[] | undefined;
  /** Empty: none was given. */
  readonly nonce: string;
}

/** The data of GUILD_MEMBERS_CHUNK. */
export function membersChunk(chunk: MembersChunk): string {
  let text = `{"guild_id":"${chunk.guildId}","members":[${chunk.members.join()}]`;
  text += `,"chunk_index":${chunk.chunkIndex},"chunk_count":${chunk.chunkCount}`;
  if (chunk.notFound) text += `,"not_found":${JSON.stringify(chunk.notFound)}`;
  if (chunk.presences) text += `,"presences":[${chunk.presences.join()}]`;
  if (chunk.nonce !== '') text += `,"nonce":${JSON.stringify(chunk.nonce)}`;
  return `${text}}`;
}
