import { type ClientOptions, WebSocket } from 'ws';
import { type Language, plainJson } from './languages';

/** A payload as it came over the wire. */
export interface Payload {
  readonly op: number;
  readonly s: number | null;
  readonly t: string | null;
  readonly d: Record<string, unknown> & { readonly session_id?: string };
}

/** A client by hand: says what it is told to, and remembers what it hears. */
export class RawClient {
  readonly received: Payload[] = [];
  /** How many of them came in binary frames. */
  binary = 0;
  /** Each as it was on the wire. */
  readonly frames: Buffer[] = [];
  readonly opened: Promise<void>;
  /** The close code, once the socket is closed. */
  readonly closed: Promise<number>;
  /** What was said with it. */
  reason = '';
  private readonly socket: WebSocket;
  private readonly changed = new Set<() => void>();
  private code: number | undefined;

  /**
   * @param gateway HOST:PORT, or a whole URL
   * @param slash what stands between it and the query
   * @param language that the query asks for
   */
  constructor(
    gateway: string,
    query = 'v=10&encoding=json',
    options: ClientOptions = {},
    slash = '/',
    private readonly language: Language = plainJson,
  ) {
    this.socket = new WebSocket(
      `${gateway.includes('://') ? gateway : `ws://${gateway}`}${slash}?${query}`,
      options,
    );
    this.opened = new Promise((resolve) => this.socket.once('open', resolve));
    this.socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.binary++;
      this.frames.push(data);
      this.received.push(language.read(data, isBinary) as Payload);
      for (const check of this.changed) check();
    });
    this.closed = new Promise((resolve, reject) => {
      this.socket.on('close', (code, reason) => {
        this.code = code;
        this.reason = reason.toString();
        resolve(code);
        for (const check of this.changed) check();
      });
      this.socket.on('error', reject);
    });
    // Who waits for it hears of an error; who does not has nothing to hear.
    this.closed.catch(() => undefined);
  }

  /** The first payload that fits, now or later. @throws Error when the socket closes first */
  async first(fits: (payload: Payload) => boolean): Promise<Payload> {
    for (;;) {
      const found = this.received.find(fits);
      if (found) return found;
      if (this.code !== undefined)
        throw new Error(`closed with ${this.code} before it came: ${JSON.stringify(this.received)}`);
      await Promise.race([this.closed, this.change()]);
    }
  }

  op(op: number): Promise<Payload> {
    return this.first((payload) => payload.op === op);
  }

  event(name: string): Promise<Payload> {
    return this.first(({ t }) => t === name);
  }

  /** Resolves when that many that fit have come. */
  async count(fits: (payload: Payload) => boolean, count: number): Promise<Payload[]> {
    for (;;) {
      const found = this.received.filter(fits);
      if (found.length >= count) return found;
      if (this.code !== undefined)
        throw new Error(`closed with ${this.code} after ${found.length}: ${JSON.stringify(this.received)}`);
      await Promise.race([this.closed, this.change()]);
    }
  }

  /** Resolves when that many guilds are there, or are said to be unavailable. */
  async guilds(count: number): Promise<void> {
    await this.count(
      ({ t, d }) => t === 'GUILD_CREATE' || (t === 'GUILD_DELETE' && d['unavailable'] === true),
      count,
    );
  }

  /** The id of the session that READY named. */
  get session(): string {
    return this.received.find(({ t }) => t === 'READY')?.d.session_id ?? '';
  }

  /** What the handshake agreed on. */
  get extensions(): string {
    return this.socket.extensions;
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  /** Objects in the client's language; strings in a text frame and bytes in a binary one, as they are. */
  send(payload: object | string | Uint8Array): void {
    const asIs = typeof payload === 'string' || payload instanceof Uint8Array;
    this.socket.send(asIs ? payload : this.language.write(payload));
  }

  /** Greeted, identified, and READY. Answers the session's id. */
  async identify(token: string, intents = 1 | (1 << 9)): Promise<string> {
    await this.op(10);
    this.send({ op: 2, d: { token, intents, properties: {} } });
    return (await this.event('READY')).d.session_id ?? '';
  }

  async resume(token: string, sessionId: string, seq: number): Promise<void> {
    await this.op(10);
    this.send({ op: 6, d: { token, session_id: sessionId, seq } });
  }

  get lastSeq(): number {
    return Math.max(0, ...this.received.map(({ s }) => s ?? 0));
  }

  /** From here on nothing is read from the socket. */
  stopReading(): void {
    this.socket.pause();
  }

  readOn(): void {
    this.socket.resume();
  }

  async close(code = 1000): Promise<void> {
    this.socket.close(code);
    await this.closed;
  }

  /** Says goodbye if it still can; a socket that takes no answer is cut. */
  async leave(): Promise<void> {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.close(1000);
    else this.socket.terminate();
    await this.closed.catch(() => undefined);
  }

  /** Reads nothing any more, so that what the gateway sends is not seen; writes go out. */
  pause(): void {
    this.socket.pause();
  }

  continue(): void {
    this.socket.resume();
  }

  /** Sends a close frame and does not wait. */
  sendClose(code: number): void {
    this.socket.close(code);
  }

  /** As a lost network does. */
  drop(): void {
    this.socket.terminate();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        this.changed.delete(check);
        resolve();
      };
      this.changed.add(check);
    });
  }
}
