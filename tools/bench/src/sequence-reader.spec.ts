import { SequenceReader } from './sequence-reader';

const frame = (payload: object): Buffer => {
  const text = Buffer.from(JSON.stringify(payload));
  return Buffer.concat([Buffer.from([0x81, text.length]), text]);
};
const dispatch = (s: number): Buffer => frame({ op: 0, s, t: 'SOMETHING', d: { text: 'x'.repeat(40) } });
const hello = frame({ op: 10, d: { heartbeat_interval: 41_250 }, s: null, t: null });

test('dispatches are counted wherever they are cut; what else the server says is not', () => {
  const reader = new SequenceReader();
  const bytes = Buffer.concat([hello, dispatch(1), dispatch(2), frame({ op: 11 }), dispatch(3)]);
  for (const byte of bytes) reader.scan(Uint8Array.of(byte));
  expect(reader.frames).toBe(3);
});

test.each([
  ['a gap', [1, 3]],
  ['a repetition', [1, 1]],
  ['another session', [1, 2, 1]],
])('%s is an error', (_, seqs) => {
  const reader = new SequenceReader();
  expect(() => reader.scan(Buffer.concat(seqs.map(dispatch)))).toThrow('after seq');
});

test('a client that is told to come back or to identify again is an error', () => {
  for (const op of [7, 9])
    expect(() => new SequenceReader().scan(frame({ op, d: null }))).toThrow('left alone');
});
