import type { Cancel, Rng, Snowflake } from '@derailed/shared/kernel';
import type { ConnectionEnd, VirtualNetwork, VirtualProcess } from '@derailed/testing';
import { type ClientWire, textsOf } from './client-socket';
import type { GuildSight, History, Life } from './history';

export interface ClientWorld {
  readonly network: VirtualNetwork;
  readonly history: History;
  /** Addresses of all ws-gateways, running or not. */
  readonly gateways: readonly string[];
  trace(what: () => string): void;
}

interface Payload {
  readonly op: number;
  readonly d: unknown;
  readonly s: number | null;
  readonly t: string | null;
}

type Fields = Record<string, unknown>;

/** After these a client comes back and resumes; any other would be the gateway's mistake. */
const resumable = new Set([1001, 1006, 1012, 4000]);
const goodbye = 1000;
/** Why a session is over that the gateway has ended. */
export const invalidSession = 'invalid session';
const own = 4900;
/** How long a client waits for its next step (ms). */
const patience = 20_000;

/** A client as libraries are: it identifies, beats, resumes, and begins anew when it must. */
export class VirtualClient {
  /** The session that it is in, or would resume. */
  life: Life | undefined;
  /** Whether it wants to be connected. */
  isWanted = false;
  /** Connected, and everything that it missed has been replayed. */
  isLive = false;
  status: string;
  private end: ConnectionEnd | undefined;
  private connections = 0;
  private stopTimers: Cancel[] = [];
  private awaitsAck = false;
  private resumeAt: string | undefined;
  private failures = 0;

  constructor(
    readonly name: string,
    readonly userId: Snowflake,
    private readonly process: VirtualProcess,
    private readonly rng: Rng,
    private readonly world: ClientWorld,
  ) {
    this.status = 'online';
  }

  /** The ws-gateway that it is connected to. */
  gateway: string | undefined;

  connect(): void {
    this.isWanted = true;
    if (this.end !== undefined) return;
    const { network, gateways } = this.world;
    const any = gateways[Math.floor(this.rng.next() * gateways.length)]!;
    // Where the session was made, while that works.
    const address = this.failures < 2 && this.life !== undefined ? (this.resumeAt ?? any) : any;
    this.gateway = address.slice(0, address.indexOf('/'));
    const connection = ++this.connections;
    this.awaitsAck = false;
    this.trace(() => `connects to ${address}`);
    const isCurrent = (): boolean => connection === this.connections;
    this.end = network.dial(this.process, address, {
      received: (item) => {
        const wire = item as ClientWire;
        if (!isCurrent()) return;
        if (wire.kind === 'bytes') {
          for (const text of textsOf(wire.bytes)) if (isCurrent()) this.receive(JSON.parse(text) as Payload);
        } else if (wire.kind === 'close') this.closedByGateway(wire.code);
      },
      closed: (why) => {
        if (isCurrent()) this.lost(why, 1006);
      },
    });
    this.say({ kind: 'upgrade', query: 'v=10&encoding=json' });
    this.expect('a session');
  }

  /** Says goodbye: its session is over. */
  leave(): void {
    this.isWanted = false;
    if (this.end === undefined) {
      // The session that waits is given up without a word; the gateway ends it after its window.
      this.endLife('left');
      return;
    }
    this.trace(() => 'says goodbye');
    this.say({ kind: 'close', code: goodbye });
    this.endLife('left');
    this.hangUp();
  }

  setStatus(status: string): void {
    this.status = status;
    if (!this.isLive) return;
    this.trace(() => `is ${status}`);
    this.send(3, { since: null, activities: [], status, afk: false });
  }

  // -----------------------------------------------------------------------------------------------------

  /** By guild: the version whose events had all been acked when it identified. */
  private settled: ReadonlyMap<Snowflake, number> = new Map();

  private receive({ op, d, s, t }: Payload): void {
    switch (op) {
      case 0:
        this.dispatch(t ?? '', d as Fields, s ?? 0);
        break;
      case 1:
        this.beat();
        break;
      case 7:
        this.trace(() => 'is asked to reconnect');
        this.say({ kind: 'close', code: own });
        this.hangUp();
        this.again();
        break;
      case 9:
        this.trace(() => `invalid session, ${String(d)}`);
        if (d !== true) this.endLife(invalidSession);
        this.timer(100 + 1000 * this.rng.next(), () => this.begin());
        break;
      case 10:
        this.hello((d as { heartbeat_interval: number }).heartbeat_interval);
        break;
      case 11:
        this.awaitsAck = false;
        break;
    }
  }

  private hello(interval: number): void {
    const beat = (): void => {
      if (this.awaitsAck) return this.lost('no heartbeat ack', 1006);
      this.awaitsAck = true;
      this.beat();
      this.timer(interval, beat);
    };
    this.timer(interval * this.rng.next(), beat);
    this.begin();
  }

  private begin(): void {
    const { life } = this;
    const token = `user.${this.userId}`;
    if (life === undefined) {
      // What a snapshot shows may be on its way for long: it is no older than this.
      this.settled = this.world.history.settledVersions();
      this.send(2, {
        token,
        properties: { os: 'linux', browser: 'sim', device: 'sim' },
        presence: { since: null, activities: [], status: this.status, afk: false },
      });
    } else {
      this.trace(() => `resumes ${life.sessionId} at ${life.seq}`);
      this.send(6, { token, session_id: life.sessionId, seq: life.seq });
    }
  }

  private beat(): void {
    this.send(1, this.life?.seq ?? null);
  }

  private dispatch(name: string, d: Fields, seq: number): void {
    const { history, network } = this.world;
    if (name === 'READY') this.ready(d);
    const { life } = this;
    if (life === undefined) return history.broken('truth', `${this.name} got ${name} without a session`);
    if (seq !== life.seq + 1)
      history.broken(
        seq <= life.seq ? 'exactly once' : 'no gaps',
        `${this.name} got seq ${seq} after ${life.seq}`,
      );
    life.seq = seq;
    this.trace(() => `${seq} ${name} ${brief(d)}`);
    if (name === 'READY') return;
    if (name === 'RESUMED') this.live();
    else if (typeof d['m'] === 'number') history.gotFromUser(life, d['m']);
    else this.guildEvent(life, name, d, network.loop.now);
  }

  private guildEvent(life: Life, name: string, d: Fields, now: number): void {
    const { history } = this.world;
    const isAboutGuild =
      name.startsWith('GUILD_CREATE') || name === 'GUILD_DELETE' || name === 'GUILD_UPDATE';
    const guildId = (isAboutGuild ? d['id'] : d['guild_id']) as Snowflake | undefined;
    if (guildId === undefined) return;
    if (name === 'GUILD_CREATE') return this.enter(life, guildId, d, now);
    const sight = life.guilds.get(guildId);
    if (typeof d['n'] === 'number') history.gotFromGuild(life, guildId, d['n']);
    if (sight === undefined) return;
    switch (name) {
      case 'GUILD_DELETE': {
        sight.isAvailable = false;
        const stay = sight.stays.at(-1);
        if (stay) stay.until ??= now;
        break;
      }
      case 'CHANNEL_CREATE':
        sight.channels.add(d['id'] as Snowflake);
        history.toldOfChannel(life, guildId, d['id'] as Snowflake);
        break;
      case 'CHANNEL_DELETE':
        sight.channels.delete(d['id'] as Snowflake);
        break;
      case 'GUILD_MEMBER_REMOVE':
        sight.presences.delete((d['user'] as { id: Snowflake }).id);
        break;
      case 'PRESENCE_UPDATE':
        sight.presences.set((d['user'] as { id: Snowflake }).id, d['status'] as string);
        break;
    }
  }

  private enter(life: Life, guildId: Snowflake, d: Fields, now: number): void {
    const known = life.guilds.get(guildId);
    const before = known?.stays.at(-1);
    if (before) before.until ??= now;
    const channels = (d['channels'] as { id: Snowflake }[]).map(({ id }) => id);
    const presences = d['presences'] as { user: { id: Snowflake }; status: string }[];
    const sight: GuildSight = {
      isAvailable: true,
      stays: [...(known?.stays ?? []), { since: now, until: undefined, places: [] }],
      channels: new Set(channels),
      presences: new Map(presences.map(({ user, status }) => [user.id, status])),
    };
    life.guilds.set(guildId, sight);
    for (const channelId of channels) this.world.history.toldOfChannel(life, guildId, channelId);
  }

  private ready(d: Fields): void {
    const { history, network } = this.world;
    this.endLife('a new session in place of it');
    this.life = {
      client: this.name,
      userId: this.userId,
      sessionId: d['session_id'] as string,
      readyAt: network.loop.now,
      seq: 0,
      end: undefined,
      guilds: new Map(),
      places: [],
      floor: new Map(this.settled),
    };
    this.resumeAt = `${(d['resume_gateway_url'] as string).slice('ws://'.length)}/ws`;
    history.lives.push(this.life);
    this.live();
  }

  private live(): void {
    this.isLive = true;
    this.failures = 0;
    this.setStatus(this.status);
  }

  private endLife(why: string): void {
    if (this.life) this.life.end = why;
    this.life = undefined;
  }

  private closedByGateway(code: number): void {
    this.trace(() => `was closed with ${code}`);
    this.say({ kind: 'close', code });
    if (!resumable.has(code)) this.world.history.broken('contract', `${this.name} was closed with ${code}`);
    this.lost(`closed ${code}`, code);
  }

  private lost(why: string, code: number): void {
    this.trace(() => `lost its connection: ${why}`);
    this.hangUp();
    if (!resumable.has(code)) this.endLife(`closed ${code}`);
    this.again();
  }

  private again(): void {
    if (!this.isWanted) return;
    const wait = Math.min(4000, 200 * 2 ** this.failures++) * (0.5 + this.rng.next());
    this.timer(wait, () => this.connect());
  }

  private hangUp(): void {
    for (const cancel of this.stopTimers) cancel();
    this.stopTimers = [];
    this.isLive = false;
    this.gateway = undefined;
    this.connections++;
    this.end?.close('closed');
    this.end = undefined;
  }

  /** Gives a connection up that leads to nothing. */
  private expect(what: string): void {
    this.timer(patience, () => {
      if (!this.isLive) this.lost(`waited too long for ${what}`, 1006);
    });
  }

  private timer(ms: number, task: () => void): void {
    this.stopTimers.push(this.process.clock.after(ms, task));
  }

  private send(op: number, d: unknown): void {
    this.say({ kind: 'message', text: JSON.stringify({ op, d }) });
  }

  private say(wire: ClientWire): void {
    this.end?.send(wire, 64);
  }

  private trace(what: () => string): void {
    this.world.trace(() => `${this.name} ${what()}`);
  }
}

function brief(d: Fields): string {
  const text = JSON.stringify({ ...d, user: undefined, roles: undefined, members: undefined });
  return text.length > 160 ? `${text.slice(0, 160)}...` : text;
}
