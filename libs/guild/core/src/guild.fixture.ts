import type { AudienceEvent } from '@derailed/audience/core';
import { CallError, seededRng } from '@derailed/shared/kernel';
import type { Channel, GuildSnapshot, Member, Overwrite, Role } from '@derailed/shared/protocol';
import {
  defaultGuildLimits,
  type Effect,
  Guild,
  type GuildLimits,
  type Handover,
  parseChange,
  type Send,
  type Subscribe,
} from './index';

export const VIEW = 1024n;
export const guildId = '100';
export const ownerId = '1';
export const everyone = 4096n;

export function role(id: string, permissions = 0n): Role {
  return { id, name: `role ${id}`, permissions, position: 0, color: 0, hoist: false };
}

export function channel(id: string, overwrites: Overwrite[] = [], more: Partial<Channel> = {}): Channel {
  return {
    id,
    name: `channel ${id}`,
    type: 0,
    position: 0,
    topic: null,
    parentId: null,
    lastMessageId: null,
    overwrites,
    ...more,
  };
}

export function hiddenFrom(targetId: string): Overwrite {
  return { targetId, targetType: 0, allow: 0n, deny: VIEW };
}

export function shownTo(targetId: string, targetType: 0 | 1 = 0): Overwrite {
  return { targetId, targetType, allow: VIEW, deny: 0n };
}

export function member(id: string, roleIds: string[] = [], more: Partial<Member> = {}): Member {
  return {
    user: {
      id,
      username: `user${id}`,
      discriminator: '0',
      avatar: null,
      email: null,
      flags: 0,
      bot: false,
      system: false,
    },
    nick: null,
    joinedAt: '2024-01-01T00:00:00.000Z',
    communicationDisabledUntil: null,
    roleIds,
    ...more,
  };
}

/** Everybody sees channel 200; 201 is for role 10 alone. Owner 1; members 2 (role 10) and 3 (none). */
export function snapshot(more: Partial<GuildSnapshot> = {}): GuildSnapshot {
  const members = [member(ownerId), member('2', ['10']), member('3')];
  return {
    guild: { id: guildId, name: 'guild', icon: null, ownerId, permissions: 0n, flags: 0 },
    roles: [role(guildId, VIEW), role('10')],
    channels: [channel('200'), channel('201', [hiddenFrom(guildId), shownTo('10')])],
    memberCount: members.length,
    members,
    ...more,
  };
}

interface Answer {
  readonly call: number;
  readonly answer: { readonly sessions: number } | CallError;
}

interface Session {
  readonly node: string;
  readonly userId: string;
  readonly intents: number;
  classId: number;
}

interface Table {
  channels: ReadonlySet<string>;
  managed: ReadonlySet<string>;
  permissions: bigint;
}

/**
 * A guild with a virtual clock and session-nodes that do as the contract says: they keep the tables that they are
 * told, filter by them, and ack when asked to.
 */
export class GuildRig {
  now = 0;
  readonly wallOffset = 1_700_000_000_000;
  readonly guild: Guild;
  /** All effects but sends and answers, and what was sent, in order. */
  readonly asked: Effect[] = [];
  readonly sent: { readonly node: string; readonly message: Send['message'] }[] = [];
  readonly answers: Answer[] = [];
  /** Session id to names of the events that it got. */
  readonly received = new Map<string, string[]>();
  private readonly told = new Map<string, { name: string; data: Uint8Array }[]>();
  readonly sessions = new Map<string, Session>();
  readonly lastIndex = new Map<string, number>();
  readonly full = new Set<string>();
  autoAck = true;
  /** Nobody answers that a session-node is behind. */
  deaf = false;
  /** What was said of that. */
  readonly behind: Effect[] = [];
  private readonly known = new Map<string, Set<string>>();
  private readonly tables = new Map<string, Map<number, Table>>();
  private readonly intentsAsked = new Map<string, { userId: string; intents: number }>();
  private calls = 0;

  constructor(limits: Partial<GuildLimits> = {}) {
    const encoder = new TextEncoder();
    this.guild = new Guild(guildId, (text) => encoder.encode(text), seededRng(1), {
      ...defaultGuildLimits,
      ...limits,
    });
  }

  get at() {
    return { now: this.now, wall: this.now + this.wallOffset };
  }

  subscribe(
    sessionId: string,
    userId: string,
    {
      node = 'n1',
      intents = 0xffff,
      wantsSnapshot = true,
      largeThreshold = 50,
      presence = undefined as Subscribe['presence'],
      rejoins = false,
      followed = undefined as Subscribe['followed'],
      view = 1,
    } = {},
  ): void {
    this.intentsAsked.set(sessionId, { userId, intents });
    const request = {
      audienceId: guildId,
      sessionId,
      userId,
      intents,
      largeThreshold,
      wantsSnapshot,
      presence,
      rejoins,
      followed,
      view,
    };
    this.run(this.guild.subscribe(node, request, this.at));
  }

  /** Subscribes a guild that is read at once. */
  load(data: GuildSnapshot | Handover | null = snapshot()): void {
    this.run(this.guild.loaded(this.lastLoad(), data, this.at));
  }

  lastLoad(): number {
    return (
      this.asked.findLast((effect) => effect.kind === 'load' || effect.kind === 'loadMembers')?.load ?? 0
    );
  }

  publish(
    name: string,
    data: unknown = {},
    { channelId = '', permissions = '', id = `event ${this.calls + 1}` } = {},
  ): number {
    const call = ++this.calls;
    const bytes = new TextEncoder().encode(JSON.stringify(data));
    const event = { id, name, data: bytes, own: new Uint8Array(0), volatile: false };
    const publish = { event, channelId, permissions };
    this.run(this.guild.publish({ call, publish, change: parseChange(name, bytes) }, this.at));
    return call;
  }

  answerTo(call: number): Answer['answer'] | undefined {
    return this.answers.find((answer) => answer.call === call)?.answer;
  }

  wait(ms: number): void {
    const end = this.now + ms;
    for (let wake = this.guild.nextWake(); wake !== undefined && wake <= end; wake = this.guild.nextWake()) {
      this.now = Math.max(this.now, wake);
      this.run(this.guild.tick(this.at));
      if (this.asked.at(-1)?.kind === 'unload') break;
    }
    this.now = end;
  }

  /** The database answers the read that the guild asked for last, if it did. */
  reread(data: GuildSnapshot | null, joined: string[] = []): void {
    const asked = this.asked.findLast((effect) => effect.kind === 'reread');
    if (asked?.kind !== 'reread') return;
    const wanted = new Set(asked.userIds);
    const members = (data?.members ?? []).filter(({ user }) => wanted.has(user.id));
    this.run(this.guild.reread(asked.read, { snapshot: data, members, joined }, this.at));
  }

  /** Name and data of the events that the session got. */
  eventsOf(sessionId: string): { name: string; data: Record<string, unknown> }[] {
    return (this.told.get(sessionId) ?? []).map(({ name, data }) => ({
      name,
      data: JSON.parse(new TextDecoder().decode(data)) as Record<string, unknown>,
    }));
  }

  /** The data of those of that name. */
  dataOf(sessionId: string, name: string): Record<string, unknown>[] {
    return this.eventsOf(sessionId)
      .filter((event) => event.name === name)
      .map(({ data }) => data);
  }

  got(sessionId: string): string[] {
    return this.received.get(sessionId) ?? [];
  }

  run(effects: readonly Effect[]): void {
    const refused = new Map<string, Send[]>();
    const acks: [string, number, number][] = [];
    const behind: Extract<Effect, { kind: 'behind' }>[] = [];
    for (const effect of effects) {
      if (effect.kind === 'answer') this.answers.push(effect);
      else if (effect.kind === 'behind') behind.push(effect);
      else if (effect.kind !== 'send') this.asked.push(effect);
      else {
        for (const node of effect.nodes) {
          if (refused.has(node) || this.full.has(node))
            refused.set(node, [...(refused.get(node) ?? []), effect]);
          else this.arrive(node, effect.message, acks);
        }
      }
    }
    for (const [node, sends] of refused) this.run(this.guild.undelivered(node, sends, this.at));
    this.behind.push(...behind);
    for (const { node, needs } of this.deaf ? [] : behind) this.run(this.guild.known(node, needs, this.at));
    for (const [node, index, sessions] of acks) {
      if (this.autoAck) this.run(this.guild.ack(node, index, sessions, this.at));
    }
  }

  private arrive(node: string, message: Send['message'], acks: [string, number, number][]): void {
    this.sent.push({ node, message });
    switch (message.$case) {
      case 'classTable': {
        const { classId, channelIds, permissions, managedChannelIds } = message.value;
        this.tablesOf(node).set(classId, {
          channels: new Set(channelIds),
          managed: new Set(managedChannelIds),
          permissions: BigInt(permissions),
        });
        break;
      }
      case 'reclassed':
        for (const session of this.sessions.values()) {
          if (session.node === node && session.userId === message.value.userId)
            session.classId = message.value.classId;
        }
        break;
      case 'subscribed': {
        const { sessionId, classId, index } = message.value;
        const asked = this.intentsAsked.get(sessionId);
        if (asked !== undefined) this.sessions.set(sessionId, { node, ...asked, classId });
        this.lastIndex.set(node, Math.max(index, this.lastIndex.get(node) ?? 0));
        break;
      }
      case 'audienceEvent':
        acks.push([node, message.value.index, this.deliver(node, message.value)]);
        break;
      case 'audienceLost':
        for (const [id, session] of this.sessions) if (session.node === node) this.sessions.delete(id);
        break;
      case 'subscribeRefused':
        break;
    }
  }

  private deliver(node: string, event: AudienceEvent): number {
    if (event.index <= (this.lastIndex.get(node) ?? 0)) return 0;
    this.lastIndex.set(node, event.index);
    let count = 0;
    for (const [id, session] of this.sessions) {
      if (session.node !== node) continue;
      const ends = event.endsUserId === '*' || event.endsUserId === session.userId;
      if (ends) this.sessions.delete(id);
      else if (!this.passes(event, id, session)) continue;
      else this.show(id, event);
      this.received.set(id, [...this.got(id), ends ? 'GUILD_DELETE' : (event.event?.name ?? '')]);
      if (event.event !== undefined) this.told.set(id, [...(this.told.get(id) ?? []), event.event]);
      count++;
    }
    return count;
  }

  /** What the client makes of an event: which channels it knows of. */
  private show(sessionId: string, { event }: AudienceEvent): void {
    if (event === undefined || !/^(CHANNEL_|THREAD_LIST)/.test(event.name)) return;
    const data = JSON.parse(new TextDecoder().decode(event.data)) as {
      id: string;
      threads?: { id: string }[];
    };
    const known = this.shownTo(sessionId);
    if (event.name === 'CHANNEL_CREATE') known.add(data.id);
    if (event.name === 'CHANNEL_DELETE') known.delete(data.id);
    for (const { id } of data.threads ?? []) known.add(id);
  }

  /** The channels that the session's client knows of. */
  shownTo(sessionId: string): Set<string> {
    let known = this.known.get(sessionId);
    if (known === undefined) this.known.set(sessionId, (known = new Set()));
    return known;
  }

  private passes(event: AudienceEvent, id: string, session: Session): boolean {
    const table = this.tablesOf(session.node).get(session.classId);
    if (event.classIds.length > 0 || event.sessionIds.length > 0) {
      const named = event.classIds.includes(session.classId) && !event.exceptSessionIds.includes(id);
      return (named || event.sessionIds.includes(id)) && (event.intents & session.intents) !== 0;
    }
    const visible = event.managesChannel ? table?.managed : table?.channels;
    if (event.channelId !== '' && visible?.has(event.channelId) !== true) return false;
    if (event.permissions !== '' && ((table?.permissions ?? 0n) & BigInt(event.permissions)) === 0n)
      return false;
    const { intents, alwaysUserId, alsoUserIds, alsoIntents } = event;
    if (intents === 0 || (intents & session.intents) !== 0 || alwaysUserId === session.userId) return true;
    return alsoUserIds.includes(session.userId) && (alsoIntents & session.intents) !== 0;
  }

  private tablesOf(node: string): Map<number, Table> {
    let tables = this.tables.get(node);
    if (tables === undefined) this.tables.set(node, (tables = new Map()));
    return tables;
  }
}

/** A rig whose guild is loaded, with the sessions s1, s2, s3 of users 1, 2, 3 on n1. */
export function readyRig(limits: Partial<GuildLimits> = {}, data: GuildSnapshot = snapshot()): GuildRig {
  const rig = new GuildRig(limits);
  for (const userId of ['1', '2', '3']) rig.subscribe(`s${userId}`, userId);
  rig.load(data);
  return rig;
}
