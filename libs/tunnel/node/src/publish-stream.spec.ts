import type { tunnelV1 } from '@derailed/shared/contract';
import { Code, unavailable } from '@derailed/shared/kernel';
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { TunnelUnderTest, event } from './tunnel.fixture';

type Duplex = ClientDuplexStream<tunnelV1.PublishStreamRequest, tunnelV1.PublishStreamResponse>;

/** A stream of a publisher, with all that it was answered. */
class Stream {
  readonly answers: tunnelV1.PublishStreamResponse[] = [];
  readonly over: Promise<number>;

  constructor(readonly call: Duplex) {
    this.over = new Promise((resolve) => {
      call.on('data', (answer: tunnelV1.PublishStreamResponse) => this.answers.push(answer));
      call.on('end', () => {
        resolve(Code.OK);
      });
      call.on('error', (error: ServiceError) => {
        resolve(error.code);
      });
    });
  }

  send(id: string, parts: Parameters<typeof event>[0] = {}): boolean {
    return this.call.write({ event: event({ id, ...parts }) });
  }

  async answered(count: number): Promise<tunnelV1.PublishStreamResponse[]> {
    await until(() => this.answers.length >= count);
    return this.answers;
  }
}

async function until(holds: () => boolean): Promise<void> {
  // Less than a test may take.
  for (const end = Date.now() + 15_000; !holds();) {
    if (Date.now() > end) throw new Error('it did not happen within 15 s');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let tunnel: TunnelUnderTest;
const open = (): Stream => new Stream(tunnel.tunnel().publishStream());
afterEach(() => tunnel.dispose());

describe('a stream', () => {
  beforeEach(async () => {
    tunnel = await TunnelUnderTest.start();
  });

  it('answers each event by its id and keeps their order', async () => {
    const stream = open();
    const ids = Array.from({ length: 3000 }, (_, n) => `e${n}`);
    for (const id of ids) stream.send(id);
    const answers = await stream.answered(ids.length);
    expect(tunnel.owners.ids).toEqual(ids);
    expect(new Set(answers.map(({ eventId }) => eventId))).toEqual(new Set(ids));
    expect(answers.every(({ code, sessions }) => code === 0 && sessions === 1)).toBe(true);
  });

  it('has many events in flight, answered in any order', async () => {
    tunnel.owners.answer = ({ event: sent }) => (sent?.id === 'slow' ? pause(50).then(() => 1) : 1);
    const stream = open();
    stream.send('slow', { guildId: '10' });
    stream.send('fast', { guildId: '11' });
    const answers = await stream.answered(2);
    expect(answers.map(({ eventId }) => eventId)).toEqual(['fast', 'slow']);
  });

  it('goes on after an event that breaks the contract', async () => {
    const stream = open();
    stream.send('bad', { data: '{' });
    stream.send('', {});
    stream.call.write({ event: undefined });
    stream.send('good');
    const answers = await stream.answered(4);
    expect(answers.map(({ eventId, code, error }) => [eventId, code, error.split(':')[0]])).toEqual([
      ['bad', Code.INVALID_ARGUMENT, 'data'],
      ['', Code.INVALID_ARGUMENT, 'id'],
      ['', Code.INVALID_ARGUMENT, 'id'],
      ['good', Code.OK, ''],
    ]);
  });

  it('holds back what follows a failed event of its target until that comes again', async () => {
    let failing = true;
    tunnel.owners.answer = ({ event: sent }) => {
      if (sent?.id === 'a' && failing) throw unavailable('moving');
      return 1;
    };
    const stream = open();
    for (const id of ['a', 'b', 'c']) stream.send(id, { guildId: '10' });
    stream.send('other', { guildId: '11' });
    const first = await stream.answered(4);
    const codes = (answers: typeof first) =>
      Object.fromEntries(answers.map(({ eventId, code }) => [eventId, code]));
    expect(codes(first)).toEqual({ a: Code.UNAVAILABLE, b: Code.ABORTED, c: Code.ABORTED, other: Code.OK });
    stream.send('d', { guildId: '10' });
    expect(codes(await stream.answered(5))).toMatchObject({ d: Code.ABORTED });
    failing = false;
    for (const id of ['a', 'b', 'c', 'd']) stream.send(id, { guildId: '10' });
    expect(codes((await stream.answered(9)).slice(5))).toEqual({
      a: Code.OK,
      b: Code.OK,
      c: Code.OK,
      d: Code.OK,
    });
  });

  it('one stream does not hold back another', async () => {
    tunnel.owners.answer = ({ event: sent }) => {
      if (sent?.id === 'a') throw unavailable('moving');
      return 1;
    };
    const [stream, another] = [open(), open()];
    stream.send('a');
    await stream.answered(1);
    another.send('b');
    expect(await another.answered(1)).toMatchObject([{ eventId: 'b', code: Code.OK }]);
  });

  it('ends after the last answer when its publisher ends it', async () => {
    tunnel.owners.answer = () => pause(30).then(() => 1);
    const stream = open();
    stream.send('a');
    stream.call.end();
    expect(await stream.over).toBe(Code.OK);
    expect(stream.answers).toHaveLength(1);
    await until(() => tunnel.owners.ids.length === 1);
    expect(await tunnel.metric('derailed_tunnel_streams')).toEqual([{ labels: {}, value: 0 }]);
  });

  it('survives a publisher that vanishes', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    tunnel.owners.answer = () => gate.then(() => 1);
    const stream = open();
    for (const id of ['a', 'b']) stream.send(id);
    await until(() => tunnel.owners.ids.length === 2);
    stream.call.cancel();
    expect(await stream.over).toBe(Code.CANCELLED);
    release();
    tunnel.owners.answer = () => 1;
    const next = open();
    next.send('c');
    expect(await next.answered(1)).toMatchObject([{ eventId: 'c', code: Code.OK }]);
    expect(await tunnel.metric('derailed_tunnel_publishes_in_flight')).toEqual([{ labels: {}, value: 0 }]);
  });

  it('is told UNAVAILABLE at shutdown, after what was in flight is answered', async () => {
    tunnel.owners.answer = () => pause(50).then(() => 1);
    const stream = open();
    stream.send('a');
    await until(() => tunnel.owners.ids.length === 1);
    await tunnel.close();
    expect(await stream.over).toBe(Code.UNAVAILABLE);
    expect(stream.answers).toMatchObject([{ eventId: 'a', code: Code.OK }]);
  });
});

describe('flow control', () => {
  it('the tunnel reads no further while too many events are without an answer', async () => {
    tunnel = await TunnelUnderTest.start({ STREAM_IN_FLIGHT: '8' });
    const waiting: (() => void)[] = [];
    tunnel.owners.answer = () =>
      new Promise((resolve) =>
        waiting.push(() => {
          resolve(1);
        }),
      );
    const stream = open();
    for (let n = 0; n < 100; n++) stream.send(`e${n}`);
    await until(() => waiting.length === 8);
    await pause(50);
    expect(waiting).toHaveLength(8);
    let released = 0;
    while (released < 100) {
      await until(() => waiting.length > 0);
      expect(waiting.length).toBeLessThanOrEqual(8);
      waiting.shift()?.();
      released++;
    }
    await stream.answered(100);
    expect(tunnel.owners.ids).toEqual(Array.from({ length: 100 }, (_, n) => `e${n}`));
  });

  it('or while these are too large, and the publisher feels it', async () => {
    tunnel = await TunnelUnderTest.start({ STREAM_BYTES_IN_FLIGHT: '64K' });
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    tunnel.owners.answer = () => gate.then(() => 1);
    const stream = open();
    const data = JSON.stringify('x'.repeat(30_000));
    let accepted = 0;
    const total = 200;
    const send = async (): Promise<void> => {
      for (let n = 0; n < total; n++) {
        accepted++;
        if (!stream.send(`e${n}`, { data }))
          await new Promise((resolve) => stream.call.once('drain', resolve));
      }
    };
    const sending = send();
    await until(() => tunnel.owners.ids.length >= 3);
    await pause(100);
    expect(tunnel.owners.ids).toHaveLength(3);
    expect(accepted).toBeLessThan(total);
    release();
    await sending;
    await stream.answered(total);
  });

  it('a publisher that does not take its answers gets no more of its events read', async () => {
    tunnel = await TunnelUnderTest.start();
    const call = tunnel.tunnel().publishStream();
    call.on('error', () => undefined);
    call.once('data', () => call.pause());
    // The answers repeat the ids, so they soon fill what gRPC keeps for a reader that does not read.
    const id = 'x'.repeat(60_000);
    const enough = 2000;
    let written = 0;
    for (let moving = true; moving && written < enough; written++) {
      if (call.write({ event: event({ id }) })) continue;
      const drained = new Promise((resolve) =>
        call.once('drain', () => {
          resolve(true);
        }),
      );
      moving = (await Promise.race([drained, pause(200)])) === true;
    }
    expect(written).toBeLessThan(enough);
    call.cancel();
  });
});
