import type { Rng } from '@derailed/shared/kernel';
import { WebSocket } from 'ws';
import { machineTime } from '../time';
import { afterClose } from './after-close';
import { SessionRecord } from './session-record';

/** What clients of one process share. */
export interface ClientPlace {
  /** HOST:PORT of each ws-gateway: a client takes any, as behind a load balancer. */
  readonly doors: readonly string[];
  /** Numbers of guilds by id. */
  readonly guilds: ReadonlyMap<string, number>;
  readonly rng: Rng;
  /** By event: the longest way to one of these clients, in milliseconds. */
  readonly longestWay: Float32Array;
}

export interface ClientTraits {
  readonly number: number;
  readonly token: string;
  readonly intents: number;
}

interface Payload {
  readonly op: number;
  readonly s: number | null;
  readonly t: string | null;
  readonly d: unknown;
}

interface EventData {
  readonly id: string;
  readonly guild_id: string;
  /** Number of the event, and when it was sent first. */
  readonly n: number;
  readonly at: number;
  readonly session_id: string;
}

/** READY or RESUMED have to come within this time; clients give up on a connection then. */
const patience = 20_000;
const firstPause = 100;
const longestPause = 5_000;
/** The code that @discordjs/ws closes with when it means to resume. */
const meansToResume = 4200;

/** A client that comes back by the rules: resumes what can be resumed, identifies again else, with pauses in between. */
export class ChaosClient {
  readonly sessions: SessionRecord[] = [];
  /** Set when it was told never to come back: why. */
  banned: string | undefined;
  private socket: WebSocket | undefined;
  private session: SessionRecord | undefined;
  private live = false;
  private failures = 0;
  private beat: NodeJS.Timeout | undefined;
  private guard: NodeJS.Timeout | undefined;
  private later: NodeJS.Timeout | undefined;
  private beatAnswered = true;
  private left = false;

  constructor(
    private readonly traits: ClientTraits,
    private readonly place: ClientPlace,
  ) {}

  /** It has a session and a connection for it. */
  get isLive(): boolean {
    return this.live;
  }

  /** Guilds of its session that it has. */
  get guilds(): number {
    return this.session?.guilds ?? 0;
  }

  get events(): number {
    return this.session?.events ?? 0;
  }

  connect(): void {
    const { doors, rng } = this.place;
    const door = doors[Math.floor(rng.next() * doors.length)] as string;
    const socket = new WebSocket(`ws://${door}/?v=10&encoding=json`, {
      perMessageDeflate: false,
      handshakeTimeout: patience / 2,
    });
    this.socket = socket;
    this.guard = setTimeout(() => socket.terminate(), patience);
    socket.on('message', (data: Buffer) => {
      if (socket === this.socket) this.hear(JSON.parse(data.toString()) as Payload);
    });
    socket.on('error', () => undefined);
    socket.on('close', (code) => {
      if (socket === this.socket) this.closed(code);
    });
  }

  /** For good. */
  leave(): void {
    this.left = true;
    clearTimeout(this.later);
    this.forget();
  }

  private hear({ op, s, t, d }: Payload): void {
    switch (op) {
      case 0:
        this.dispatch(t as string, s as number, d as EventData);
        break;
      case 1:
        this.sendBeat();
        break;
      case 7:
        this.forget(meansToResume);
        this.again(0);
        break;
      case 9:
        this.invalid(d === true);
        break;
      case 10:
        this.startBeats((d as { heartbeat_interval: number }).heartbeat_interval);
        this.introduce();
        break;
      case 11:
        this.beatAnswered = true;
        break;
      default:
        throw new Error(`client ${this.traits.number} got op ${op}`);
    }
  }

  private dispatch(name: string, seq: number, d: EventData): void {
    const now = machineTime();
    if (name === 'READY') {
      this.session = new SessionRecord(this.traits.number, d.session_id, now);
      this.sessions.push(this.session);
    }
    const { session } = this;
    if (session === undefined) throw new Error(`client ${this.traits.number} got ${name} without a session`);
    session.dispatch(seq, now);
    switch (name) {
      case 'READY':
      case 'RESUMED':
        clearTimeout(this.guard);
        this.failures = 0;
        this.live = true;
        break;
      case 'GUILD_CREATE':
        session.enter(this.guildOf(d.id), now);
        break;
      case 'MESSAGE_CREATE': {
        session.event(d.n, this.guildOf(d.guild_id));
        const { longestWay } = this.place;
        longestWay[d.n] = Math.max(longestWay[d.n] ?? 0, now - d.at);
        break;
      }
    }
  }

  private guildOf(id: string): number {
    const guild = this.place.guilds.get(id);
    if (guild === undefined) throw new Error(`client ${this.traits.number} got something of a guild ${id}`);
    return guild;
  }

  /** On a new connection, or on one whose session was declared invalid. */
  private introduce(): void {
    const { token, intents } = this.traits;
    const properties = { os: 'linux', browser: 'chaos', device: 'chaos' };
    this.send(
      this.session === undefined
        ? { op: 2, d: { token, intents, properties } }
        : { op: 6, d: { token, session_id: this.session.sessionId, seq: this.session.seq } },
    );
  }

  private invalid(resumable: boolean): void {
    this.live = false;
    if (!resumable) this.endSession('op 9');
    const pause = 1_000 + this.place.rng.next() * 4_000;
    clearTimeout(this.guard);
    // Libraries do either: go on with the same socket, or come back with another.
    if (this.traits.number % 2 === 0) {
      this.forget();
      this.again(pause);
      return;
    }
    const { socket } = this;
    this.guard = setTimeout(() => socket?.terminate(), pause + patience);
    this.later = setTimeout(() => this.introduce(), pause);
  }

  private closed(code: number): void {
    this.forget();
    const next = afterClose(code);
    if (next !== 'resume') this.endSession(`close ${code}`);
    if (next === 'never') this.banned = `was told never to come back (close ${code})`;
    else this.again(this.place.rng.next() * Math.min(longestPause, firstPause * 2 ** this.failures++));
  }

  private again(ms: number): void {
    if (!this.left) this.later = setTimeout(() => this.connect(), ms);
  }

  private endSession(why: string): void {
    this.session?.close(why, machineTime());
    this.session = undefined;
  }

  /** Lets go of the connection, and hears nothing more from it. */
  private forget(code?: number): void {
    const { socket } = this;
    this.socket = undefined;
    this.live = false;
    clearTimeout(this.guard);
    clearTimeout(this.beat);
    clearTimeout(this.later);
    if (code === undefined) socket?.terminate();
    else socket?.close(code);
  }

  private startBeats(interval: number): void {
    this.beatAnswered = true;
    const next = (ms: number): void => {
      this.beat = setTimeout(() => {
        // The other side is there and says nothing: the client comes back and resumes.
        if (!this.beatAnswered) return this.socket?.terminate();
        this.beatAnswered = false;
        this.sendBeat();
        next(interval);
      }, ms);
    };
    next(interval * this.place.rng.next());
  }

  private sendBeat(): void {
    this.send({ op: 1, d: this.session?.seq ?? null });
  }

  private send(payload: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(payload));
  }
}
