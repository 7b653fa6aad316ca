import { type Tail, frameLength, payloadTail, tailOf, writeFrame } from '@derailed/shared/protocol';
import type { EventLoop } from './event-loop';
import { type FlushObserver, Flusher } from './flusher';
import { Outbox, type Sink } from './outbox';

/** An event loop whose turns and time the test takes itself. */
class StoppedLoop implements EventLoop {
  now = 0;
  readonly turns: (() => void)[] = [];
  readonly timers: { at: number; task: () => void }[] = [];

  monotonic(): number {
    return this.now;
  }

  turn(task: () => void): void {
    this.turns.push(task);
  }

  after(ms: number, task: () => void): void {
    this.timers.push({ at: this.now + ms, task });
  }

  /** Runs what is due in one turn. */
  step(): void {
    for (const task of this.turns.splice(0)) task();
  }
}

class Socket implements Sink {
  writableLength = 0;
  corked = 0;
  stuck = false;
  readonly writes: Buffer[] = [];
  readonly raw: Uint8Array[] = [];
  private readonly listeners: (() => void)[] = [];
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly loop: StoppedLoop,
    private readonly costMs = 0,
  ) {}

  write(bytes: Uint8Array, done?: () => void): boolean {
    this.loop.now += this.costMs;
    this.raw.push(bytes);
    this.writes.push(Buffer.from(bytes));
    if (this.stuck) {
      this.writableLength += bytes.length;
      if (done) this.waiting.push(done);
    } else done?.();
    return !this.stuck;
  }

  once(_: 'drain', listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Its peer has read all that waited. */
  drain(): void {
    this.writableLength = 0;
    for (const done of this.waiting.splice(0)) done();
    for (const listener of this.listeners.splice(0)) listener();
  }

  cork(): void {
    this.corked++;
  }

  uncork(): void {
    this.corked--;
  }
}

const tail = (text: string): Tail => payloadTail(JSON.stringify(text));

describe('the flusher', () => {
  let loop: StoppedLoop;
  let slow: Outbox[];
  let flusher: Flusher;
  let flushes: number;
  let delivered: number[];
  let pressures: [connection: number, pressed: boolean][];
  let isMember: boolean;

  beforeEach(() => {
    loop = new StoppedLoop();
    slow = [];
    flushes = 0;
    delivered = [];
    pressures = [];
    const limits = { outboundPressure: 300, outboundLimit: 1000 };
    isMember = true;
    const observer: FlushObserver = {
      pressure: (outbox, pressed) => pressures.push([outbox.connection, pressed]),
      wrote: () => undefined,
      flushed: () => flushes++,
      delivered: (publishedAt) => delivered.push(...publishedAt),
      tooSlow: (outbox) => slow.push(outbox),
    };
    flusher = new Flusher(loop, limits, observer, () => isMember);
  });

  const say = (outbox: Outbox, text: string): void => {
    outbox.push(tail(text), 0);
    flusher.enqueue(outbox);
  };

  it('writes once per socket, at the end of the turn', () => {
    const sockets = [new Socket(loop), new Socket(loop)];
    const outboxes = sockets.map((socket, at) => new Outbox(socket, at, { readyState: 1 }));
    for (const text of ['a', 'b', 'c']) for (const outbox of outboxes) say(outbox, text);
    expect(sockets.map(({ writes }) => writes.length)).toEqual([0, 0]);
    loop.step();
    expect(sockets.map(({ writes }) => writes.map((bytes) => bytes.toString('hex')))).toEqual([
      ['810322612281032262228103226322'],
      ['810322612281032262228103226322'],
    ]);
    expect(flushes).toBe(1);
  });

  it('writes nothing that waited while the process stood still, before it is known to be a member still', () => {
    const socket = new Socket(loop);
    say(new Outbox(socket, 1, { readyState: 1 }), 'a');
    loop.now = 1500;
    isMember = false;
    loop.step();
    loop.now += 20;
    loop.timers.shift()?.task();
    expect(socket.writes).toEqual([]);
    isMember = true;
    loop.now += 20;
    loop.timers.shift()?.task();
    expect(socket.writes).toHaveLength(1);
    // Whoever did not stand still is not asked.
    isMember = false;
    say(new Outbox(socket, 2, { readyState: 1 }), 'b');
    loop.now += 900;
    loop.step();
    expect(socket.writes).toHaveLength(2);
  });

  it('gives each socket its own seq and its own event, whatever the socket before it got', () => {
    const event = (text: string): Tail =>
      tailOf({ name: 'E', data: Buffer.from(JSON.stringify(text)), own: new Uint8Array() });
    const [one, other] = [event('one'), event('two')];
    const frames: [Tail, number][] = [
      [one, 7],
      [one, 8],
      [one, 8],
      [one, 10],
      [other, 9],
      [one, 9],
      [other, 10],
      [one, 11],
      [one, 4_294_967_295],
      [one, 1_000_000_000],
    ];
    const sockets = frames.map(() => new Socket(loop));
    for (const [at, [shared, seq]] of frames.entries()) {
      const outbox = new Outbox(sockets[at]!, at, { readyState: 1 });
      outbox.push(shared, seq);
      flusher.enqueue(outbox);
    }
    while (loop.turns.length > 0) loop.step();
    const whole = frames.map(([shared, seq]) => {
      const bytes = Buffer.alloc(frameLength(seq, shared));
      writeFrame(bytes, 0, seq, shared);
      return bytes.toString();
    });
    expect(sockets.map(({ writes }) => writes.map(String))).toEqual(whole.map((text) => [text]));
  });

  it('says when a socket does not drain, once, and when it has drained', () => {
    const stuck = new Socket(loop);
    stuck.stuck = true;
    const [slowOne, other] = [
      new Outbox(stuck, 1, { readyState: 1 }),
      new Outbox(new Socket(loop), 2, { readyState: 1 }),
    ];
    for (let round = 0; round < 5; round++) {
      for (const outbox of [slowOne, other]) say(outbox, 'x'.repeat(100));
      loop.step();
    }
    expect(pressures).toEqual([[1, true]]);
    stuck.drain();
    say(slowOne, 'x');
    loop.step();
    expect(pressures).toEqual([
      [1, true],
      [1, false],
    ]);
    say(slowOne, 'x'.repeat(400));
    loop.step();
    expect(pressures.at(-1)).toEqual([1, true]);
    expect(slow).toEqual([]);
  });

  it('does not count what waits for the drain of its socket against the limit, and all else', () => {
    const stuck = new Socket(loop);
    stuck.stuck = true;
    const outbox = new Outbox(stuck, 1, { readyState: 1 });
    let left = 0;
    outbox.awaitDrain(() => left++);
    say(outbox, 'x'.repeat(5000));
    loop.step();
    say(outbox, 'x'.repeat(800));
    loop.step();
    say(outbox, 'x'.repeat(800));
    loop.step();
    expect([slow, left]).toEqual([[], 0]);
    say(outbox, 'x');
    loop.step();
    expect(slow).toEqual([outbox]);
    stuck.drain();
    expect(left).toBe(1);
    say(outbox, 'x'.repeat(1100));
    loop.step();
    say(outbox, 'x');
    loop.step();
    expect(slow).toEqual([outbox, outbox]);
  });

  it('tells of an event once the flush that wrote it is over', () => {
    const outbox = new Outbox(new Socket(loop), 1, { readyState: 1 });
    say(outbox, 'a');
    flusher.carries(41);
    expect(delivered).toEqual([]);
    loop.step();
    expect(delivered).toEqual([41]);
    say(outbox, 'b');
    loop.step();
    expect(delivered).toEqual([41]);
  });

  it('rests under load as long as the last flush took, and no longer than 25 ms', () => {
    for (const [cost, rest] of [
      [4, 4],
      [90, 25],
    ] as const) {
      const outbox = new Outbox(new Socket(loop, cost), 1, { readyState: 1 });
      loop.now += 1000;
      say(outbox, 'a');
      say(outbox, 'shares its write');
      loop.step();
      say(outbox, 'b');
      expect(loop.turns).toHaveLength(0);
      const timer = loop.timers.pop();
      expect(timer?.at).toBe(loop.now + rest);
      loop.now += rest;
      timer?.task();
    }
  });

  it('does not rest when frames come one at a time, however long a flush takes', () => {
    const outbox = new Outbox(new Socket(loop, 50), 1, { readyState: 1 });
    for (const text of ['a', 'b', 'c']) {
      say(outbox, text);
      expect(loop.turns).toHaveLength(1);
      loop.step();
    }
    expect(flushes).toBe(3);
  });

  it('lets others have a turn every 5 ms or so, and takes what came meanwhile along', () => {
    const sockets = Array.from({ length: 20 }, () => new Socket(loop, 1));
    const outboxes = sockets.map((socket, at) => new Outbox(socket, at, { readyState: 1 }));
    for (const outbox of outboxes) say(outbox, 'a');
    loop.step();
    expect(sockets.filter(({ writes }) => writes.length > 0)).toHaveLength(8);
    for (const outbox of outboxes) say(outbox, 'b');
    loop.step();
    loop.step();
    expect(flushes).toBe(1);
    expect(sockets[19]?.writes[0]?.length).toBe(10);
    loop.timers.pop()?.task();
    loop.step();
    expect(sockets[0]?.writes).toHaveLength(2);
    expect(sockets[19]?.writes).toHaveLength(1);
  });

  it('does not copy long tails', () => {
    const socket = new Socket(loop);
    const outbox = new Outbox(socket, 1, { readyState: 1 });
    const data = Buffer.from(JSON.stringify('x'.repeat(20_000)));
    say(outbox, 'before');
    outbox.push(tailOf({ name: 'BIG', data, own: Buffer.alloc(0) }), 9);
    say(outbox, 'after');
    loop.step();
    expect(socket.raw).toContain(data);
    expect(socket.corked).toBe(0);
    const all = Buffer.concat(socket.writes).toString('latin1');
    expect(all.indexOf('before')).toBeLessThan(all.indexOf('{"op":0,"s":9,"t":"BIG","d":"xxx'));
    expect(all.indexOf('after')).toBe(all.length - 6);
  });

  it('hands a socket that is over the limit to its owner, and writes nothing', () => {
    const socket = new Socket(loop);
    const outbox = new Outbox(socket, 1, { readyState: 1 });
    socket.writableLength = 1001;
    say(outbox, 'a');
    loop.step();
    expect(slow).toEqual([outbox]);
    expect(socket.writes).toHaveLength(0);
  });

  it('never writes over bytes that a slow socket still has', () => {
    const stuck = new Socket(loop);
    stuck.stuck = true;
    const quick = new Socket(loop);
    const first = new Outbox(stuck, 1, { readyState: 1 });
    const second = new Outbox(quick, 2, { readyState: 1 });
    say(first, 'mine');
    loop.step();
    const mine = stuck.raw[0]!;
    const before = Buffer.from(mine);
    for (let round = 0; round < 300; round++) {
      for (let part = 0; part < 300; part++) second.push(tail('theirs'.repeat(3)), 0);
      flusher.enqueue(second);
      loop.step();
    }
    expect(Buffer.from(mine)).toEqual(before);
  });

  it('says when everything has left', () => {
    const outbox = new Outbox(new Socket(loop), 1, { readyState: 1 });
    let drained = 0;
    outbox.push(tail('a'), 0);
    outbox.drained = () => drained++;
    flusher.enqueue(outbox);
    loop.step();
    expect(drained).toBe(1);
    say(outbox, 'b');
    loop.step();
    expect(drained).toBe(1);
  });

  it('writes nothing behind the answer to a close of the client', () => {
    const socket = new Socket(loop);
    const ws = { readyState: 1 };
    const outbox = new Outbox(socket, 1, ws);
    say(outbox, 'a');
    ws.readyState = 2;
    flusher.flushNow(outbox);
    loop.step();
    expect(socket.writes).toHaveLength(0);
  });

  it('writes nothing for a socket that was closed', () => {
    const socket = new Socket(loop);
    const outbox = new Outbox(socket, 1, { readyState: 1 });
    say(outbox, 'a');
    outbox.close();
    say(outbox, 'b');
    loop.step();
    expect(socket.writes).toHaveLength(0);
  });
});
