import type { ClientKind } from './payload';
import { type JsonObject, asObject, wholeNumber } from './fields';

export type Status = 'online' | 'idle' | 'dnd' | 'invisible' | 'offline';

/** An activity as the client sent it: name and type are checked, the rest is whatever it was. */
export interface ActivityRequest extends JsonObject {
  readonly name: string;
  readonly type: number;
}

/** What a client asks others to see of it. */
export interface PresenceRequest {
  readonly status: Status;
  readonly activities: readonly ActivityRequest[];
}

/** What others may see of a session; the same shape as the nodes' Presence message. */
export interface PublicPresence {
  /** online, idle, dnd, invisible */
  readonly status: string;
  /** JSON text of an array. */
  readonly activities: string;
  /** web, desktop, mobile, vr; empty: the same as before. */
  readonly client: string;
}

const statuses: ReadonlySet<unknown> = new Set<Status>(['online', 'idle', 'dnd', 'invisible', 'offline']);
const maxActivityType = 5;

function isStatus(value: unknown): value is Status {
  return statuses.has(value);
}

function parseActivity(value: unknown): ActivityRequest | undefined {
  const activity = asObject(value);
  const type = wholeNumber(activity?.['type'] ?? 0);
  if (!activity || typeof activity['name'] !== 'string' || type === undefined) return undefined;
  return type >= 0 && type <= maxActivityType ? { ...activity, name: activity['name'], type } : undefined;
}

/**
 * The data of op 3. Strict: since, activities and status must be there, though the first two may be null.
 * Undefined when its shape is wrong (4001).
 */
export function parsePresence(d: unknown): PresenceRequest | undefined {
  const fields = asObject(d);
  if (!fields || !('since' in fields) || !('activities' in fields) || !isStatus(fields['status']))
    return undefined;
  if (fields['since'] !== null && typeof fields['since'] !== 'number') return undefined;
  const list = fields['activities'] ?? [];
  if (!Array.isArray(list)) return undefined;
  const activities: ActivityRequest[] = [];
  for (const entry of list) {
    const activity = parseActivity(entry);
    if (!activity) return undefined;
    activities.push(activity);
  }
  return { status: fields['status'], activities };
}

/**
 * The presence of op 2. Lenient: clients leave fields out, or send `game` for activities, and `offline` means
 * online there. Undefined when there is none.
 */
export function parseIdentifyPresence(value: unknown): PresenceRequest | undefined {
  const fields = asObject(value);
  if (!fields) return undefined;
  const { status, activities, game } = fields;
  const list = Array.isArray(activities) ? activities : [game];
  return {
    status: isStatus(status) && status !== 'offline' ? status : 'online',
    activities: list.map(parseActivity).filter((activity) => activity !== undefined),
  };
}

const ofBots = ['state', 'url'] as const;
const ofUsers = [
  ...ofBots,
  'details',
  'timestamps',
  'application_id',
  'emoji',
  'party',
  'assets',
  'instance',
  'flags',
  'buttons',
] as const;
const streaming = 1;
const streamed = /^https?:\/\/(?:[a-z0-9-]+\.)*(?:twitch\.tv|youtube\.com)\//i;

function publicActivity(activity: ActivityRequest, bot: boolean, createdAt: number): JsonObject {
  const shown: Record<string, unknown> = { name: activity.name, type: activity.type, created_at: createdAt };
  for (const field of bot ? ofBots : ofUsers) {
    const value = activity[field];
    if (value === undefined || value === null) continue;
    if (
      field === 'url' &&
      !(activity.type === streaming && typeof value === 'string' && streamed.test(value))
    )
      continue;
    if (field === 'state' && typeof value !== 'string') continue;
    shown[field] = value;
  }
  return shown;
}

/**
 * Keeps of the request what others may see: the fields that bots may set, or those that people may; nothing of one who
 * is invisible. `offline` makes people invisible and has no effect on bots.
 * @param client empty: the same as before
 * @param now wall time in milliseconds: activities begin now
 */
export function publicPresence(
  request: PresenceRequest,
  bot: boolean,
  client: ClientKind | '',
  now: number,
): PublicPresence {
  let { status } = request;
  if (status === 'offline') status = bot ? 'online' : 'invisible';
  const shown =
    status === 'invisible' ? [] : request.activities.map((activity) => publicActivity(activity, bot, now));
  return { status, activities: JSON.stringify(shown), client };
}
