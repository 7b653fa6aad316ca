/** The URL, the frames of both directions, encodings and compression. */
export const connectionLines = {
  'url.slash': 'The URL with and without a slash at its end leads to the same place.',
  'url.bare': 'The URL that clients are given has neither query nor fragment; they append their own.',
  'url.version': 'Versions 9 and 10 are served; without `v` it is 10.',
  'url.version-other': 'Any other version is closed with 4012.',
  'url.encoding': 'The encoding is JSON when the query names none; one that is unknown is closed with 4002.',
  'url.compress': 'An unknown compression is closed with 4002, never ignored.',
  'url.other-parameters': 'Unknown parameters are ignored.',
  'url.upgrade-first': 'What is wrong with a query is said by a close code after the upgrade, not by HTTP.',
  'url.extensions': 'permessage-deflate is not negotiated, nor is a subprotocol.',
  'url.resume-elsewise': 'A resume may come with another encoding or compression; the new query counts.',
  'hello.first': 'HELLO is the first message on every connection, and comes once.',
  'hello.interval': 'HELLO has a whole heartbeat_interval from 1,017 to 59,999 ms.',
  'out.json': 'JSON without compression: one object in one text frame.',
  'out.payload-compression':
    'Identify with compress, JSON and no transport compression: text frames, or binary frames that each hold a whole zlib document.',
  'out.compress-flag':
    'compress in Identify is ignored beside transport compression, and need not be a boolean.',
  'out.zlib-binary': 'zlib-stream: every message is binary, HELLO and op 11 too.',
  'out.zlib-stream': 'zlib-stream: one zlib stream per connection that is never reset.',
  'out.zlib-suffix': 'zlib-stream: each payload is one message and ends with 00 00 FF FF.',
  'out.zstd': 'zstd-stream: one stream per connection, one binary message per payload, flushed after each.',
  'out.zstd-absent': 'zstd-stream where the runtime has none is closed with 4002 and a reason that says so.',
  'out.etf': 'etf: binary messages, external terms of version 131; also with zlib-stream.',
  'out.etf-tags':
    'ETF has only tags that erlpack reads; atoms are SMALL_ATOM_EXT, keys are binaries, an empty list is NIL.',
  'out.etf-numbers':
    'ETF integers up to 255 and int32 have their own tags; greater numbers are floats; ids come out as text.',
  'in.etf': 'ETF from clients: all terms that erlpack writes, and STRING_EXT.',
  'in.etf-atom-keys': 'A map with atom keys is closed with 4002.',
  'in.binary-json': 'JSON from clients may come in text or binary frames.',
  'in.compressed': 'A compressed payload from a client is closed with 4002.',
  'in.size':
    'A payload of 4,096 bytes is taken, one of 4,097 is closed with 4002; so is one of any greater size.',
  'in.not-a-payload': 'What is no JSON, no object, or has no whole `op` is closed with 4002.',
  'in.wrong-shape': '`d` of the wrong shape for its opcode is closed with 4001.',
  'in.bare-ids': 'Ids may be numbers beyond 2^53; no digit is lost.',
  'in.null-fields': 'Optional fields may be null.',
  'in.floats': 'Whole numbers may be written as floats.',
  'in.unknown-fields': 'Unknown fields are ignored.',
  'envelope.nulls': 'A payload has op, d, s and t; s and t are null when it is no dispatch.',
} as const;
