import type { AudienceEvent, Event } from '@derailed/audience/core';
import { CallError, seededRng } from '@derailed/shared/kernel';
import type { Effect, MemberRead } from './effects';
import { type SessionLimits, defaultSessionLimits } from './kit';
import type { Identify, Inbound, NodeRef, Outbound, Publish, Subscribed } from './messages';
import type { Readiness } from './readiness';
import { SessionNode } from './session-node';

export const self: NodeRef = { id: 'session-1', incarnation: 'a' };
export const gateway: NodeRef = { id: 'gateway-1', incarnation: 'a' };
export const otherGateway: NodeRef = { id: 'gateway-2', incarnation: 'a' };
export const guilds: NodeRef = { id: 'guild-1', incarnation: 'a' };
export const presences: NodeRef = { id: 'presence-1', incarnation: 'a' };

export const allIntents = 53_608_447;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function eventOf(id: string, name = 'MESSAGE_CREATE', json = `"${id}"`): Event {
  return { id, name, data: encoder.encode(json), own: new Uint8Array(0), volatile: false };
}

export function audienceEvent(index: number, fields: Partial<AudienceEvent> = {}): AudienceEvent {
  return {
    kind: 1,
    audienceId: '100',
    index,
    event: eventOf(`e${index}`),
    channelId: '',
    intents: 0,
    permissions: '',
    endsUserId: '',
    alwaysUserId: '',
    closeCode: 0,
    joinsGuildId: '',
    leavesGuildId: '',
    aboutUserId: '',
    aboutOffline: false,
    classIds: [],
    sessionIds: [],
    exceptSessionIds: [],
    managesChannel: false,
    alsoUserIds: [],
    alsoIntents: 0,
    ...fields,
  };
}

export interface Frame {
  readonly seq: number;
  readonly name: string;
  readonly json: string;
  readonly wantsDrain: boolean;
}

/** What the ws-gateway knows of a connection. */
export interface Connection {
  /** The ws-gateway that it is a connection of. */
  readonly at: NodeRef;
  sessionId: string;
  epoch: number;
  /** Seq that Bound named. */
  from: number;
  readonly frames: Frame[];
  refused: { closeCode: number; resumable: boolean; delayMs: number } | undefined;
  /** CloseConnection of the current epoch. */
  closed: number | undefined;
}

type OfCase<C extends Outbound['$case']> = Extract<Outbound, { $case: C }>['value'];

/**
 * One session-node on a virtual clock, with everything around it played by the test. What it says to itself is
 * handed back to it; what it says to others is kept.
 */
export class World {
  now = 0;
  readonly node: SessionNode;
  readonly connections = new Map<number, Connection>();
  readonly sent: { to: string; message: Outbound; signal: boolean }[] = [];
  readonly answers = new Map<number, unknown>();
  readonly reads: MemberRead[] = [];
  readonly next: number[] = [];
  readonly stopped: number[] = [];
  /** What the database says; undefined: it is away. */
  readiness: Readiness | null | undefined = readinessOf('7', ['100']);
  databaseReads = 0;
  refuses: (to: string, message: Outbound) => boolean = () => false;
  /** ID/INCARNATION of what is off the list. */
  readonly gone = new Set<string>();
  private lastConnection = 0;

  readonly limits: SessionLimits;

  /** Identifies take no turns unless `limits` says so. */
  constructor(
    limits: Partial<SessionLimits> = {},
    owners: Readonly<Record<string, string | undefined>> = {},
  ) {
    const identifies = { ...defaultSessionLimits.identifies, interval: 0 };
    this.limits = { ...defaultSessionLimits, identifies, ...limits };
    this.node = new SessionNode({
      limits: this.limits,
      placement: {
        self,
        ownerOf: (role, key) =>
          Object.hasOwn(owners, `${role}:${key}`)
            ? owners[`${role}:${key}`]
            : { 'session-node': self.id, 'guild-node': guilds.id, 'presence-node': presences.id }[role],
        isMember: ({ id, incarnation }) => !this.gone.has(`${id}/${incarnation}`),
        generation: () => 1,
        holders: () => [],
      },
      rng: seededRng(1),
      encode: (text) => encoder.encode(text),
    });
  }

  run(effects: readonly Effect[]): void {
    for (const effect of effects) this.perform(effect);
  }

  say(message: Inbound, from: NodeRef): void {
    this.run(this.node.handle(message, from, this.now));
  }

  /** Lets time pass, task by task. */
  wait(ms: number): void {
    const end = this.now + ms;
    for (let at = this.node.nextWake(); at !== undefined && at <= end; at = this.node.nextWake()) {
      this.now = Math.max(this.now, at);
      this.run(this.node.tick(this.now));
    }
    this.now = end;
  }

  identify(fields: Partial<Identify> = {}, at = gateway): number {
    const connection = ++this.lastConnection;
    this.open(connection, at);
    this.say(
      {
        $case: 'identify',
        value: {
          connection,
          userId: '7',
          bot: true,
          intents: allIntents,
          intentsAbsent: false,
          sharded: false,
          shardId: 0,
          shardCount: 1,
          largeThreshold: 50,
          presence: { status: 'online', activities: '[]', client: 'web' },
          version: 10,
          resumeGatewayUrl: 'ws://here',
          client: 'web',
          ...fields,
        },
      },
      at,
    );
    return connection;
  }

  resume(sessionId: string, seq: number, userId = '7', at = gateway): number {
    const connection = ++this.lastConnection;
    this.open(connection, at);
    this.say({ $case: 'resume', value: { connection, userId, sessionId, seq } }, at);
    return connection;
  }

  drop(connection: number, endSession = false): void {
    const { sessionId, epoch, at } = this.connection(connection);
    this.say({ $case: 'connectionEnded', value: { sessionId, epoch, endSession } }, at);
  }

  drained(connection: number): void {
    const { sessionId, epoch, at } = this.connection(connection);
    this.say({ $case: 'drained', value: { sessionId, epoch } }, at);
  }

  /** The guild-node's answer to a Subscribe. */
  subscribed(sessionId: string, index: number, fields: Partial<Subscribed> = {}, from = guilds): void {
    const snapshot: Event = {
      ...eventOf('', 'GUILD_CREATE', '{"id":"100"'),
      own: encoder.encode(',"own":1}'),
    };
    this.say(
      {
        $case: 'subscribed',
        value: {
          kind: 1,
          audienceId: '100',
          index,
          sessionId,
          classId: 1,
          snapshot,
          sameData: false,
          shownUserIds: [],
          view: 0,
          term: 1,
          ...fields,
        },
      },
      from,
    );
  }

  classTable(classId: number, channelIds: readonly string[], permissions = '0', guildId = '100'): void {
    this.say(
      { $case: 'classTable', value: { guildId, classId, channelIds, permissions, managedChannelIds: [] } },
      guilds,
    );
  }

  event(index: number, fields: Partial<AudienceEvent> = {}, from = guilds): void {
    this.say({ $case: 'audienceEvent', value: audienceEvent(index, fields) }, from);
  }

  publish(call: number, value: Partial<Publish>): void {
    const whole: Publish = { kind: 2, audienceIds: ['7'], event: undefined, channelId: '', ...value };
    this.run(this.node.publish(call, whole, this.now));
  }

  connection(number: number): Connection {
    const connection = this.connections.get(number);
    if (connection === undefined) throw new Error(`no connection ${number}`);
    return connection;
  }

  names(connection: number): string[] {
    return this.connection(connection).frames.map(({ name }) => name);
  }

  seqs(connection: number): number[] {
    return this.connection(connection).frames.map(({ seq }) => seq);
  }

  told<C extends Outbound['$case']>(kind: C): OfCase<C>[] {
    return this.sent.flatMap(({ message }) => (message.$case === kind ? [message.value as OfCase<C>] : []));
  }

  /** A live session in guild 100, subscribed at index 0, class 1, which sees channel 5. */
  ready(fields: Partial<Identify> = {}): { connection: number; sessionId: string } {
    const connection = this.identify(fields);
    const { sessionId } = this.connection(connection);
    this.classTable(1, ['5']);
    this.subscribed(sessionId, 0);
    return { connection, sessionId };
  }

  private open(connection: number, at: NodeRef): void {
    this.connections.set(connection, {
      at,
      sessionId: '',
      epoch: 0,
      from: 0,
      frames: [],
      refused: undefined,
      closed: undefined,
    });
  }

  private perform(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
      case 'signal':
        this.carry(effect.to, effect.message, effect.kind === 'signal');
        break;
      case 'answer':
        this.answers.set(
          effect.call,
          effect.answer instanceof CallError ? effect.answer : effect.answer.value,
        );
        break;
      case 'behind':
        this.run(this.node.known(effect.userId, effect.term, effect.node, effect.needs, this.now));
        break;
      case 'readReadiness':
        this.databaseReads++;
        this.run(this.node.readinessRead(effect.sessionId, this.readiness, this.now));
        break;
      case 'readMembers':
        this.reads.push(effect.request);
        break;
      case 'nextMembers':
        this.next.push(effect.read);
        break;
      case 'stopMembers':
        this.stopped.push(effect.read);
        break;
      case 'sessionMoved':
        break;
    }
  }

  private carry(to: string, message: Outbound, signal: boolean): void {
    if (!signal && this.refuses(to, message)) {
      this.run(this.node.sendRefused(to, message, this.now));
      return;
    }
    this.sent.push({ to, message, signal });
    if (to === self.id) this.say(message as Inbound, self);
    else if (to === gateway.id || to === otherGateway.id) this.atGateway(message, to);
  }

  private atGateway(message: Outbound, node: string): void {
    const numbers =
      'connection' in message.value && typeof message.value.connection === 'number'
        ? [message.value.connection]
        : [];
    if (message.$case === 'deliver') numbers.push(...message.value.connections);
    for (const number of numbers)
      if (this.connection(number).at.id !== node) throw new Error(`${node} has no connection ${number}`);
    switch (message.$case) {
      case 'bound': {
        const { connection, sessionId, epoch, seq } = message.value;
        Object.assign(this.connection(connection), { sessionId, epoch, from: seq });
        break;
      }
      case 'refused':
        this.connection(message.value.connection).refused = message.value;
        break;
      case 'closeConnection':
        if (this.connection(message.value.connection).epoch === message.value.epoch) {
          this.connection(message.value.connection).closed = message.value.closeCode;
        }
        break;
      case 'deliver': {
        const { event, connections, seqs, wantsDrain } = message.value;
        const json = decoder.decode(event.data) + decoder.decode(event.own);
        connections.forEach((connection, at) => {
          this.connection(connection).frames.push({ seq: seqs[at] ?? 0, name: event.name, json, wantsDrain });
        });
        break;
      }
      default:
        break;
    }
  }
}

export function readinessOf(userId: string, guildIds: readonly string[]): Readiness {
  const user = {
    id: userId,
    username: 'u',
    discriminator: '0',
    avatar: null,
    email: null,
    flags: 0,
    bot: true,
    system: false,
  };
  return { user, settings: null, guildIds, guildPositions: [], activities: [] };
}
