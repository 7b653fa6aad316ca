import * as fc from 'fast-check';
import { keptTextEncoder } from './kept-text';

describe('keptTextEncoder', () => {
  it('gives every text back as it was, however many share a piece of memory', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 60 })), (texts) => {
        const encode = keptTextEncoder(128);
        const encoded = texts.map((text) => encode(text));
        const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
        expect(encoded.map((bytes) => decoder.decode(bytes))).toEqual(texts);
      }),
    );
  });

  it('puts short texts together and leaves long ones to themselves', () => {
    const encode = keptTextEncoder(100);
    expect(encode('a').buffer).toBe(encode('b').buffer);
    expect(encode('x'.repeat(26)).buffer.byteLength).toBe(26);
  });
});
