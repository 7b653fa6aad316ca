import type { GuildStep, Talk } from './guild-steps';
import { isNaiveThread, type NaiveGuild, type Publication } from './naive-guild';

const bit = (place: number): number => 2 ** place;
const GUILDS = bit(0);

/** The intents of what the model publishes; what is not here needs none. */
const intentOf: Readonly<Record<string, number>> = {
  MESSAGE_CREATE: bit(9),
  INVITE_CREATE: bit(6),
  GUILD_AUDIT_LOG_ENTRY_CREATE: bit(2),
  GUILD_MEMBER_ADD: bit(1),
  GUILD_MEMBER_UPDATE: bit(1),
  GUILD_MEMBER_REMOVE: bit(1),
  THREAD_MEMBERS_UPDATE: bit(1),
  ...Object.fromEntries(
    ['CHANNEL', 'THREAD', 'GUILD_ROLE'].flatMap((what) =>
      ['CREATE', 'UPDATE', 'DELETE'].map((how) => [`${what}_${how}`, GUILDS]),
    ),
  ),
  GUILD_UPDATE: GUILDS,
};
const VIEW_AUDIT_LOG = 2n ** 7n;
const MANAGE_CHANNELS = 2n ** 4n;

/** A client, as far as what it gets depends on it. */
export interface Onlooker {
  readonly id: string;
  readonly userId: string;
  readonly intents: number;
}

interface Listener extends Onlooker {
  sights: ReadonlySet<string>;
}

/** An event as it is handed to the tunnel: `n` in its data tells it from all others. */
export interface Numbered extends Publication {
  readonly channelId: string;
  /** Decimal; empty: none are named. */
  readonly permissions: string;
}

/**
 * What each client of a guild is to get, event by event, worked out anew for each event and each client. Lines, as
 * `lineOf` makes them of dispatches.
 */
export class NaiveStream {
  private readonly listeners = new Map<string, Listener>();
  private readonly lines = new Map<string, string[]>();
  private wall: number;
  private count = 0;

  constructor(
    readonly guild: NaiveGuild,
    wall: number,
  ) {
    this.wall = wall;
  }

  /** What the client has got. */
  of(id: string): string[] {
    return inOrder(this.lines.get(id) ?? []);
  }

  /** How many clients are subscribed. */
  get size(): number {
    return this.listeners.size;
  }

  has(id: string): boolean {
    return this.listeners.has(id);
  }

  /** The client's subscription begins here. */
  enter(onlooker: Onlooker): void {
    const listener = { ...onlooker, sights: this.guild.sights(onlooker.userId, this.wall) };
    this.listeners.set(onlooker.id, listener);
    if (this.wants(listener, GUILDS)) this.tell(listener, guildLine([...listener.sights]));
  }

  leave(id: string): void {
    this.listeners.delete(id);
  }

  /** Time goes on; a timeout may end. */
  pass(wall: number): void {
    const ends = this.guild.members
      .map(({ communicationDisabledUntil }) => communicationDisabledUntil ?? 0)
      .filter((end) => end > this.wall && end <= wall);
    for (const end of [...new Set(ends)].sort((one, other) => one - other)) {
      this.wall = end;
      this.news('');
    }
    this.wall = wall;
  }

  /** A change is made and published. @returns what to hand to the tunnel */
  change(step: GuildStep): Numbered {
    const goes = step.do === 'channelGone' || step.do === 'memberGone';
    const sawIt = step.do === 'channelGone' ? this.seeing(step.id) : [];
    const publication = this.guild.apply(step, this.wall);
    const event = this.number(publication, 'id' in step && isOfChannel(step) ? step.id : '');
    if (step.do === 'memberGone') this.expel(step.id);
    const isNew = event.name === 'CHANNEL_CREATE' || event.name === 'THREAD_CREATE';
    const told = isNew || step.do === 'channelGone' ? step.id : '';
    if (!goes) this.news(told);
    const audience =
      step.do === 'channelGone'
        ? sawIt
        : step.do === 'channel'
          ? this.seeing(step.id)
          : [...this.listeners.values()];
    // Who a change of a member is about hears of it without the intent.
    const isAbout = ({ userId }: Listener): boolean =>
      event.name === 'GUILD_MEMBER_UPDATE' && step.do === 'member' && userId === step.id;
    this.deliver(event, audience, isAbout);
    if (goes) this.news(told);
    return event;
  }

  /** Something is published that changes nothing. */
  say({ name, channelId, permissions: named, userIds = [] }: Talk): Numbered {
    const data = {
      ...(channelId !== '' && { channel_id: channelId }),
      ...(userIds.length > 0 && { removed_member_ids: userIds }),
    };
    const publication = { name, data };
    const event = this.number(publication, channelId, named);
    const may = ({ userId, sights }: Listener): boolean => {
      if (channelId !== '' && !sights.has(channelId)) return false;
      if (named !== undefined) return (this.guild.permissions(userId) & named) !== 0n;
      if (name === 'GUILD_AUDIT_LOG_ENTRY_CREATE')
        return (this.guild.permissions(userId) & VIEW_AUDIT_LOG) !== 0n;
      if (name === 'INVITE_CREATE')
        return (this.guild.permissionsIn(userId, channelId, this.wall) & MANAGE_CHANNELS) !== 0n;
      return true;
    };
    const isAbout = (listener: Listener): boolean =>
      userIds.includes(listener.userId) && this.wants(listener, GUILDS);
    this.deliver(event, [...this.listeners.values()].filter(may), isAbout);
    return event;
  }

  private number({ name, data }: Publication, channelId: string, permissions?: bigint): Numbered {
    return {
      name,
      data: { ...data, n: ++this.count },
      channelId,
      permissions: permissions === undefined ? '' : String(permissions),
    };
  }

  private seeing(channelId: string): Listener[] {
    return [...this.listeners.values()].filter(({ sights }) => sights.has(channelId));
  }

  /** @param isAbout whether the client gets it without the intent too */
  private deliver(
    { name, data }: Numbered,
    audience: readonly Listener[],
    isAbout: (listener: Listener) => boolean,
  ): void {
    const wanted = intentOf[name] ?? 0;
    for (const listener of audience)
      if (wanted === 0 || this.wants(listener, wanted) || isAbout(listener))
        this.tell(listener, lineOf(name, data));
  }

  /** Everybody is told what it sees now and did not, or did and does not. @param told what the published event says itself */
  private news(told: string): void {
    const { guild } = this;
    for (const listener of this.listeners.values()) {
      const { sights: saw } = listener;
      const sees = (listener.sights = guild.sights(listener.userId, this.wall));
      if (!this.wants(listener, GUILDS)) continue;
      const typeOf = (id: string): number => guild.cast.channels.get(id) ?? 0;
      const lost = [...saw].filter((id) => !sees.has(id) && !isNaiveThread(typeOf(id)));
      for (const id of lost)
        if (id !== told || guild.channel(id) !== undefined) this.tell(listener, `- ${id}`);
      const gained = [...sees].filter((id) => !saw.has(id) && id !== told);
      for (const id of gained) if (typeOf(id) === 4) this.tell(listener, `+ category ${id}`);
      for (const id of gained)
        if (typeOf(id) !== 4 && !isNaiveThread(typeOf(id))) this.tell(listener, `+ ${id}`);
      const parents = new Set(
        gained.filter((id) => isNaiveThread(typeOf(id))).map((id) => guild.channel(id)?.parentId ?? ''),
      );
      // A thread without a channel, which only administrators see, has no list that it could come in.
      parents.delete('');
      for (const parent of parents) {
        const threads = [...sees].filter(
          (id) => isNaiveThread(typeOf(id)) && guild.channel(id)?.parentId === parent,
        );
        this.tell(listener, threadsLine(parent, threads));
      }
    }
  }

  private expel(userId: string): void {
    for (const listener of [...this.listeners.values()]) {
      if (listener.userId !== userId) continue;
      if (this.wants(listener, GUILDS)) this.tell(listener, 'no guild');
      this.listeners.delete(listener.id);
    }
  }

  private wants({ intents }: Listener, wanted: number): boolean {
    return (intents & wanted) !== 0;
  }

  private tell({ id }: Listener, line: string): void {
    const known = this.lines.get(id);
    if (known === undefined) this.lines.set(id, [line]);
    else known.push(line);
  }
}

const isOfChannel = (step: GuildStep): boolean => step.do === 'channel' || step.do === 'channelGone';
const guildLine = (channelIds: readonly string[]): string => `guild ${[...channelIds].sort().join()}`;
const threadsLine = (parent: string, ids: readonly string[]): string =>
  `threads of ${parent}: ${[...ids].sort().join()}`;

/** A dispatch of the guild as one line. */
export function lineOf(name: string, data: Readonly<Record<string, unknown>>): string {
  if (data['n'] !== undefined)
    return `${String(data['n'])} ${name}${name.startsWith('CHANNEL_') ? ` ${String(data['id'])}` : ''}`;
  const ids = (list: unknown): string[] => (list as { id: string }[]).map(({ id }) => id);
  switch (name) {
    case 'CHANNEL_CREATE':
      return data['type'] === 4 ? `+ category ${String(data['id'])}` : `+ ${String(data['id'])}`;
    case 'CHANNEL_DELETE':
      return `- ${String(data['id'])}`;
    case 'THREAD_LIST_SYNC':
      return threadsLine((data['channel_ids'] as string[]).join(), ids(data['threads']));
    case 'GUILD_CREATE':
      return guildLine([...ids(data['channels']), ...ids(data['threads'])]);
    case 'GUILD_DELETE':
      return data['unavailable'] === true ? 'guild unavailable' : 'no guild';
    default:
      return name;
  }
}

/** The channels, without threads, that a client with these lines knows of; undefined: it is not in the guild. */
export function knownChannels(lines: readonly string[]): Set<string> | undefined {
  let known: Set<string> | undefined;
  for (const line of lines) {
    const [, ids] = /^guild ([\d,]*)$/.exec(line) ?? [];
    const [, gained] = /^(?:\+|\+ category|\d+ CHANNEL_CREATE) (\d+)$/.exec(line) ?? [];
    const [, lost] = /^(?:-|\d+ CHANNEL_DELETE) (\d+)$/.exec(line) ?? [];
    if (line === 'no guild' || line === 'guild unavailable') known = undefined;
    else if (ids !== undefined) known = new Set(ids.split(',').filter((id) => id !== ''));
    else if (gained !== undefined) known?.add(gained);
    else if (lost !== undefined) known?.delete(lost);
  }
  return known;
}

/** What news of one kind come in which order means nothing: each run of them is sorted. */
export function inOrder(lines: readonly string[]): string[] {
  const kind = (line: string): string => /^(-|\+ category|\+|threads)/.exec(line)?.[0] ?? '';
  const sorted: string[] = [];
  for (let at = 0; at < lines.length;) {
    const of = kind(lines[at] ?? '');
    let end = at + 1;
    while (of !== '' && end < lines.length && kind(lines[end] ?? '') === of) end++;
    sorted.push(...lines.slice(at, end).sort());
    at = end;
  }
  return sorted;
}
