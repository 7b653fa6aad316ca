import type { Snowflake } from '@derailed/shared/kernel';
import type { CloseReason } from '../close-codes';
import { decodeEtf } from '../etf/decode';
import { VALID_INTENTS } from '../intents';
import { limits } from '../limits';
import { Op } from '../opcodes';
import { asObject, type JsonObject, snowflake, wholeNumber } from './fields';
import { parseLossless } from './lossless';
import type { ClientKind, ClientPayload, IdentifyRequest, MembersRequest, ResumeRequest } from './payload';
import { parseIdentifyPresence, parsePresence } from './presence';

/** What was decoded, or why the connection has to close. */
export type Decoded<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: CloseReason };

/** A payload of which only the opcode is known yet. */
export interface RawPayload {
  readonly op: number;
  readonly d: unknown;
}

const maxUint32 = 0xffff_ffff;
/**
 * What a `seq` is taken for that can't be one. Whether its session ends with it, only who holds the session may decide:
 * the token has to be its user's.
 */
const neverSent = maxUint32;

function done<T>(value: T): Decoded<T> {
  return { ok: true, value };
}

function fail(reason: CloseReason): { readonly ok: false; readonly reason: CloseReason } {
  return { ok: false, reason };
}

/** First half: JSON, an object, a whole `op`. All that fails here is 4002. */
export function decodeRaw(text: string): Decoded<RawPayload> {
  try {
    return rawOf(parseLossless(text, limits.payloadDepth));
  } catch {
    return fail('decode_error');
  }
}

/** The same of a term: what comes out is what the same payload in JSON would be. */
export function decodeRawEtf(bytes: Uint8Array): Decoded<RawPayload> {
  try {
    return rawOf(decodeEtf(bytes, limits.payloadDepth));
  } catch {
    return fail('decode_error');
  }
}

function rawOf(parsed: unknown): Decoded<RawPayload> {
  const payload = asObject(parsed);
  const op = wholeNumber(payload?.['op']);
  return payload && op !== undefined ? done({ op, d: payload['d'] }) : fail('decode_error');
}

/** Second half: the data of a known op. An unknown op, or data of the wrong shape, is 4001 unless it has a code of its own. */
export function decodeData({ op, d }: RawPayload): Decoded<ClientPayload> {
  switch (op) {
    case Op.HEARTBEAT: {
      const seq = wholeNumber(d);
      return done({ op, seq: seq !== undefined && seq >= 0 && seq <= maxUint32 ? seq : undefined });
    }
    case Op.IDENTIFY:
      return decodeIdentify(asObject(d));
    case Op.PRESENCE_UPDATE: {
      const presence = parsePresence(d);
      return presence ? done({ op, presence }) : fail('unknown_opcode');
    }
    case Op.VOICE_STATE_UPDATE:
      return isVoiceState(asObject(d)) ? done({ op }) : fail('unknown_opcode');
    case Op.RESUME:
      return decodeResume(asObject(d));
    case Op.REQUEST_GUILD_MEMBERS:
      return decodeMembers(asObject(d));
    case Op.REQUEST_SOUNDBOARD_SOUNDS:
      return areSnowflakes(asObject(d)?.['guild_ids']) ? done({ op }) : fail('unknown_opcode');
    case Op.REQUEST_CHANNEL_INFO: {
      const fields = asObject(d);
      const known = fields && snowflake(fields['guild_id']) !== undefined && Array.isArray(fields['fields']);
      return known ? done({ op }) : fail('unknown_opcode');
    }
    default:
      return fail('unknown_opcode');
  }
}

/** Both halves. */
export function decodeClientPayload(text: string): Decoded<ClientPayload> {
  const raw = decodeRaw(text);
  return raw.ok ? decodeData(raw.value) : raw;
}

function withoutPrefix(token: unknown): string | undefined {
  if (typeof token !== 'string') return undefined;
  const bare = token.startsWith('Bot ') ? token.slice('Bot '.length) : token;
  return bare === '' ? undefined : bare;
}

function decodeIdentify(fields: JsonObject | undefined): Decoded<IdentifyRequest> {
  const token = withoutPrefix(fields?.['token']);
  if (!fields || token === undefined) return fail('unknown_opcode');
  const shard = decodeShard(fields['shard']);
  if (shard === null) return fail('invalid_shard');
  const intents = fields['intents'] ?? undefined;
  if (intents !== undefined && !areIntents(intents)) return fail('invalid_intents');
  const { min, max, fallback } = limits.largeThreshold;
  const threshold = wholeNumber(fields['large_threshold']) ?? fallback;
  return done({
    op: Op.IDENTIFY,
    token,
    intents: wholeNumber(intents),
    shard,
    largeThreshold: Math.min(Math.max(threshold, min), max),
    compress: Boolean(fields['compress']),
    presence: parseIdentifyPresence(fields['presence']),
    client: clientKind(asObject(fields['properties'])),
  });
}

function areIntents(value: unknown): boolean {
  const bits = wholeNumber(value);
  return bits !== undefined && bits >= 0 && bits <= VALID_INTENTS && (bits & ~VALID_INTENTS) === 0;
}

/** Undefined: none was asked for. Null: what was asked for is no shard. */
function decodeShard(value: unknown): readonly [number, number] | undefined | null {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || value.length !== 2) return null;
  const id = wholeNumber(value[0]);
  const count = wholeNumber(value[1]);
  if (id === undefined || count === undefined) return null;
  return id >= 0 && count >= 1 && count <= maxUint32 && id < count ? [id, count] : null;
}

function clientKind(properties: JsonObject | undefined): ClientKind {
  const text = (name: string): string => {
    const value = properties?.[name] ?? properties?.[`$${name}`];
    return typeof value === 'string' ? value : '';
  };
  const browser = text('browser');
  if (/vr\b/i.test(browser)) return 'vr';
  if (/android|ios|mobile/i.test(browser) || /^(?:android|ios)$/i.test(text('os'))) return 'mobile';
  return /client|desktop|electron/i.test(browser) ? 'desktop' : 'web';
}

function decodeResume(fields: JsonObject | undefined): Decoded<ResumeRequest> {
  const token = withoutPrefix(fields?.['token']);
  const sessionId = fields?.['session_id'];
  if (!fields || token === undefined || typeof sessionId !== 'string') return fail('unknown_opcode');
  const seq = wholeNumber(fields['seq'] ?? 0) ?? neverSent;
  return done({ op: Op.RESUME, token, sessionId, seq: seq >= 0 && seq < neverSent ? seq : neverSent });
}

function isVoiceState(fields: JsonObject | undefined): boolean {
  if (!fields || snowflake(fields['guild_id']) === undefined) return false;
  const channel = fields['channel_id'] ?? null;
  return channel === null || snowflake(channel) !== undefined;
}

function areSnowflakes(value: unknown): boolean {
  return Array.isArray(value) && value.every((id) => snowflake(id) !== undefined);
}

function decodeMembers(fields: JsonObject | undefined): Decoded<MembersRequest> {
  if (!fields) return fail('unknown_opcode');
  const { guild_id: guild, user_ids: ids, query, limit, nonce } = fields;
  const guildId = snowflake(Array.isArray(guild) && guild.length === 1 ? guild[0] : guild);
  const userIds = decodeUserIds(ids);
  if (guildId === undefined || userIds === undefined) return fail('unknown_opcode');
  const shared = {
    op: Op.REQUEST_GUILD_MEMBERS,
    guildId,
    presences: fields['presences'] === true,
    nonce: typeof nonce === 'string' && byteLength(nonce) <= limits.nonceBytes ? nonce : '',
  } as const;
  if (typeof query !== 'string' || userIds.length > 0) {
    const asked = ids !== undefined && ids !== null;
    return asked ? done({ ...shared, query: undefined, limit: 0, userIds }) : fail('unknown_opcode');
  }
  const atMost = wholeNumber(limit);
  if (atMost === undefined || atMost < 0) return fail('unknown_opcode');
  return done({ ...shared, query, limit: Math.min(atMost, maxUint32), userIds: [] });
}

/** Undefined: not ids. */
function decodeUserIds(value: unknown): readonly Snowflake[] | undefined {
  if (value === undefined || value === null) return [];
  const list: unknown[] = Array.isArray(value) ? value.slice(0, limits.requestedMembers) : [value];
  const ids = list.map(snowflake);
  return ids.every((id) => id !== undefined) ? ids : undefined;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
