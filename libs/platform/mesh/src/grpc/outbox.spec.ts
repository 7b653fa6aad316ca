import { Envelope, ConnectRequest } from '@derailed/shared/contract';
import fc from 'fast-check';
import { Inbox } from './inbox';
import { Outbox } from './outbox';

const limits = { window: 8 * 1024, queue: 64 * 1024, chunk: 4 * 1024 };
const unbounded = { message: 1e9, assembly: 1e9 };
const body = (salt: number, size: number): Buffer => Buffer.alloc(size, salt);

/** All that may go now, as [seq, kind, bytes of content]. */
function drain(outbox: Outbox): [number, string, number][] {
  const frames: [number, string, number][] = [];
  for (let bytes = outbox.next(); bytes; bytes = outbox.next()) {
    const { seq, kind } = ConnectRequest.decode(bytes);
    if (kind?.$case === 'batch')
      frames.push([seq, 'batch', kind.value.envelopes.reduce((sum, { length }) => sum + length, 0)]);
    if (kind?.$case === 'chunk')
      frames.push([seq, kind.value.last ? 'last' : 'part', kind.value.part.length]);
  }
  return frames;
}

describe('an outbox', () => {
  it('puts what waits into one frame, up to the chunk size', () => {
    const outbox = new Outbox(limits);
    for (let salt = 0; salt < 6; salt++) outbox.push('x', body(salt, 1000));
    expect(drain(outbox)).toEqual([
      [1, 'batch', 5000],
      [2, 'batch', 1000],
    ]);
  });

  it('cuts a long message into parts, lets other flows pass, and holds its own flow back', () => {
    const outbox = new Outbox({ ...limits, window: 1e6 });
    outbox.push('long', body(1, 10_000));
    outbox.push('long', body(2, 10));
    outbox.push('short', body(3, 20));
    const frames = drain(outbox);
    expect(frames.map(([seq]) => seq)).toEqual([1, 2, 3, 4, 5]);
    const [other, own, ...parts] = [20, 10, 4096, 4096, 1808].map((size) =>
      frames.findIndex(([, , bytes]) => bytes === size),
    );
    expect(other).toBeLessThan(2);
    expect(own).toBe(4);
    expect(parts).not.toContain(-1);
  });

  it('holds data back past the window until frames are received, but never signals', () => {
    const outbox = new Outbox(limits);
    for (let salt = 0; salt < 10; salt++) outbox.push('x', body(salt, 3000));
    const first = drain(outbox);
    expect(first.length).toBeLessThan(3);
    expect(outbox.next()).toBeUndefined();
    outbox.signal(body(1, 10));
    expect(drain(outbox)).toEqual([[first.length + 1, 'batch', 10]]);
    expect(outbox.received(first.length + 1)).toBe(true);
    expect(drain(outbox).length).toBeGreaterThan(0);
  });

  it('refuses data past the queue, and takes it again when there is room', () => {
    const outbox = new Outbox(limits);
    let taken = 0;
    while (outbox.push('x', body(1, 4000))) taken++;
    expect(taken).toBe(16);
    drain(outbox);
    expect(outbox.push('x', body(1, 4000))).toBe(true);
  });

  it('refuses signals when as many are unreceived as data may wait', () => {
    const outbox = new Outbox(limits);
    let taken = 0;
    while (outbox.signal(body(1, 1000))) {
      taken++;
      drain(outbox);
    }
    expect(taken).toBeGreaterThan(10);
    expect(taken).toBeLessThan(100);
  });

  it('sends again, over a new stream, exactly what was not received', () => {
    const outbox = new Outbox(limits);
    for (const salt of [1, 2, 3]) {
      outbox.signal(body(salt, 10 * salt));
      drain(outbox);
    }
    expect(outbox.rewind(1)).toBe(true);
    expect(drain(outbox)).toEqual([
      [2, 'batch', 20],
      [3, 'batch', 30],
    ]);
    expect(outbox.rewind(4)).toBe(false);
  });

  it('takes an acknowledgement of a frame that has yet to go again', () => {
    const outbox = new Outbox(limits);
    for (const salt of [1, 2, 3]) {
      outbox.signal(body(salt, 10 * salt));
      drain(outbox);
    }
    outbox.rewind(1);
    expect(outbox.received(2)).toBe(true);
    expect(drain(outbox)).toEqual([[3, 'batch', 30]]);
    expect(outbox.unreceivedBytes).toBe(1024);
  });

  it('is empty again in a new epoch, and counts from 1', () => {
    const outbox = new Outbox(limits);
    for (let salt = 0; salt < 10; salt++) outbox.push('x', body(salt, 6000));
    drain(outbox);
    outbox.clear();
    expect([outbox.queuedBytes, outbox.unreceivedBytes]).toEqual([0, 0]);
    outbox.push('x', body(1, 10));
    expect(drain(outbox)).toEqual([[1, 'batch', 10]]);
  });

  it('and an inbox keep each flow whole and in order, whatever is sent, lost and sent again', () => {
    const op = fc.oneof(
      { weight: 10, arbitrary: fc.record({ flow: fc.nat(3), size: fc.integer({ min: 1, max: 12_000 }) }) },
      { weight: 2, arbitrary: fc.record({ signal: fc.integer({ min: 1, max: 12_000 }) }) },
      { weight: 3, arbitrary: fc.record({ deliver: fc.nat(4) }) },
      { weight: 1, arbitrary: fc.constant('break' as const) },
    );
    fc.assert(
      fc.property(fc.array(op, { maxLength: 120, size: 'max' }), (ops) => {
        const outbox = new Outbox({ window: 16 * 1024, queue: 1e9, chunk: 4096 });
        const inbox = new Inbox(unbounded);
        const sent = new Map<string, number>();
        const got = new Map<string, number[]>();
        const envelope = (flow: string, size: number): Uint8Array => {
          const index = sent.get(flow) ?? 0;
          sent.set(flow, index + 1);
          const message = {
            $case: 'callFailed' as const,
            value: { code: index, message: flow + '.'.repeat(size) },
          };
          return Envelope.encode({ call: 0, isReply: false, message }).finish();
        };
        const deliver = (most: number): boolean => {
          for (let count = 0; count < most; count++) {
            const bytes = outbox.next();
            if (!bytes) return false;
            for (const whole of inbox.take(ConnectRequest.decode(bytes)) ?? []) {
              const { message } = Envelope.decode(whole);
              if (message?.$case !== 'callFailed') throw new Error('not what was sent');
              const flow = message.value.message.replaceAll('.', '');
              got.set(flow, [...(got.get(flow) ?? []), message.value.code]);
            }
          }
          return true;
        };
        for (const now of ops) {
          if (now === 'break') outbox.rewind(inbox.received);
          else if ('deliver' in now) {
            deliver(now.deliver);
            outbox.received(inbox.received);
          } else if ('signal' in now) outbox.signal(envelope(`s${sent.size}`, now.signal));
          else outbox.push(`f${now.flow}`, envelope(`f${now.flow}`, now.size));
        }
        do outbox.received(inbox.received);
        while (deliver(1000) || outbox.queuedBytes > 0);
        for (const [flow, count] of sent)
          expect(got.get(flow)).toEqual(Array.from({ length: count }, (_, index) => index));
        outbox.received(inbox.received);
        expect([outbox.queuedBytes, outbox.unreceivedBytes]).toEqual([0, 0]);
      }),
    );
  });
});
