import type { Draft } from '@derailed/audience/core';
import type { Snowflake } from '@derailed/shared/kernel';
import { type Channel, channelJson, Intent, isThread, threadListSyncJson } from '@derailed/shared/protocol';
import type { ClassView, Reclassing } from './classes';
import { NO_CHANNEL } from './draft';
import type { GuildState } from './guild-state';
import type { Encode } from './messages';
import type { Subscribers } from './subscribers';

/** Channels before and after a change of who sees what. */
export interface ChannelsAround {
  readonly now: GuildState['channels'];
  /** As those knew it who lose it. */
  was(id: Snowflake): Channel | undefined;
  /** A channel whose coming or going the published event itself tells. One that comes again may go for some. */
  readonly told?: Snowflake | undefined;
}

/** One dispatch about sight, and who gets it. */
interface News {
  readonly make: () => { readonly name: string; readonly json: string };
  readonly classIds: number[];
}

/** Users who moved between the same two classes, as far as their sessions want to know. */
interface Movers {
  readonly news: ReadonlySet<string>;
  readonly to: number;
  readonly sessionIds: string[];
}

/**
 * What clients are told when they gain or lose sight of channels: CHANNEL_DELETE, CHANNEL_CREATE, and THREAD_LIST_SYNC
 * for threads that come into sight. A whole class is named by its number; users who moved, by their sessions; and who
 * moved into a class that is named without sharing its news is excepted.
 */
export function sightNews(
  guildId: Snowflake,
  { redefined, moved }: Reclassing,
  channels: ChannelsAround,
  subscribers: Subscribers,
  encode: Encode,
): Draft[] {
  const all = new Map<string, News>();
  const learn = (before: ClassView, after: ClassView): Set<string> =>
    compare(guildId, before, after, channels, all);

  for (const { before, after } of redefined)
    for (const key of learn(before, after)) all.get(key)?.classIds.push(after.id);

  const movers = new Map<ClassView, Map<ClassView, Movers>>();
  for (const { userId, before, after } of moved) {
    let to = movers.get(before);
    if (to === undefined) movers.set(before, (to = new Map()));
    let group = to.get(after);
    if (group === undefined)
      to.set(after, (group = { news: learn(before, after), to: after.id, sessionIds: [] }));
    for (const { sessionId, intents } of subscribers.of(userId))
      if ((intents & Intent.GUILDS) !== 0) group.sessionIds.push(sessionId);
  }

  const groups = [...movers.values()].flatMap((to) => [...to.values()]);
  return [...all].sort(byRank).flatMap(([key, { make, classIds }]) => {
    const sessionIds: string[] = [];
    const exceptSessionIds: string[] = [];
    for (const group of groups) {
      const isNamed = classIds.includes(group.to);
      if (group.news.has(key) && !isNamed) sessionIds.push(...group.sessionIds);
      else if (!group.news.has(key) && isNamed) exceptSessionIds.push(...group.sessionIds);
    }
    if (classIds.length === 0 && sessionIds.length === 0) return [];
    const { name, json } = make();
    const event = { id: '', name, data: encode(json), own: encode(''), volatile: false };
    return [{ event, channelId: NO_CHANNEL, intents: Intent.GUILDS, classIds, sessionIds, exceptSessionIds }];
  });
}

const LOST = '0';
const CATEGORY = '1';
const GAINED = '2';
const THREADS = '3';

/** First what goes, then what comes, a category before what is in it, threads after their channels. */
function byRank([one]: [string, News], [other]: [string, News]): number {
  return one.charCodeAt(0) - other.charCodeAt(0);
}

/** The keys of what the difference of two views is told by; new ones are added to `all`. */
function compare(
  guildId: Snowflake,
  before: ClassView,
  after: ClassView,
  { now, was, told }: ChannelsAround,
  all: Map<string, News>,
): Set<string> {
  const keys = new Set<string>();
  const add = (key: string, make: News['make']): void => {
    keys.add(key);
    if (!all.has(key)) all.set(key, { make, classIds: [] });
  };
  const saw = new Set(before.sight.channelIds);
  const sees = new Set(after.sight.channelIds);
  for (const id of saw) {
    const channel = was(id);
    const isTold = id === told && !now.has(id);
    if (sees.has(id) || isTold || channel === undefined || isThread(channel.type)) continue;
    add(`${LOST}${id}`, () => ({ name: 'CHANNEL_DELETE', json: channelJson(channel, guildId) }));
  }
  const parents = new Set<Snowflake>();
  for (const id of sees) {
    const channel = now.get(id);
    if (saw.has(id) || id === told || channel === undefined) continue;
    if (isThread(channel.type)) {
      if (channel.parentId !== null) parents.add(channel.parentId);
    } else {
      const key = `${channel.type === 4 ? CATEGORY : GAINED}${id}`;
      add(key, () => ({ name: 'CHANNEL_CREATE', json: channelJson(channel, guildId) }));
    }
  }
  for (const parent of parents) {
    const threads = after.sight.channelIds.flatMap((id) => {
      const channel = now.get(id);
      return channel !== undefined && isThread(channel.type) && channel.parentId === parent ? channel : [];
    });
    add(`${THREADS}${parent}:${threads.map(({ id }) => id).join()}`, () => ({
      name: 'THREAD_LIST_SYNC',
      json: threadListSyncJson(guildId, [parent], threads),
    }));
  }
  return keys;
}
