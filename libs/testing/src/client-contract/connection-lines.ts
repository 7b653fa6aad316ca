/** The URL and the frames of both directions. */
export const connectionLines = {
  'url.slash': 'The URL with and without a slash at its end leads to the same place.',
  'url.bare': 'The URL that clients are given has neither query nor fragment; they append their own.',
  'url.bare-configured': 'A GATEWAY_PUBLIC_URL that has one does not start: one sentence, exit code 1.',
  'url.version': 'Versions 9 and 10 are served; without `v` it is 10.',
  'url.version-other': 'Any other version is closed with 4012.',
  'url.encoding': 'The encoding is JSON when the query names none; one that is unknown is closed with 4002.',
  'url.compress': 'An unknown compression is closed with 4002, never ignored.',
  'url.other-parameters': 'Unknown parameters are ignored.',
  'url.upgrade-first': 'What is wrong with a query is said by a close code after the upgrade, not by HTTP.',
  'url.extensions': 'permessage-deflate is not negotiated, nor is a subprotocol, whatever is offered.',
  'hello.first': 'HELLO is the first message on every connection, and comes once.',
  'hello.interval': 'HELLO has the heartbeat_interval that is configured, a whole number of milliseconds.',
  'hello.interval-bounds':
    'A HEARTBEAT_INTERVAL outside of 2,000 to 55,000 ms, at which libraries break, does not start: one sentence, exit code 1.',
  'config.defaults':
    'Unless configured: heartbeats each 41,250 ms, a resume within 180 s, 4,096 dispatches and 16 MiB, and the limits of section 0.',
  'out.json': 'JSON without compression: one object in one text frame.',
  'out.zlib-stream':
    'zlib-stream: one stream per connection from HELLO on, each payload flushed into one binary frame; no text frame.',
  'out.zstd-stream':
    'zstd-stream: the same with zstd, where the gateway runs on a Node with zstd or has zstd-napi.',
  'out.zstd-absent': 'Where it has neither, zstd-stream is closed with 4002, and the reason says so.',
  'out.etf': 'etf: terms in binary frames, of the tags that erlpack reads: no atom but nil, true and false.',
  'out.etf-numbers':
    'Ids are binaries there; whole numbers within 32 bits are integers, longer ones floats, none of them text.',
  'out.etf-compressed': 'etf goes with zlib-stream and with zstd-stream.',
  'out.payload-compressed':
    'compress in Identify, with JSON: a payload is text, or one whole zlib document in a binary frame; HELLO is text.',
  'out.compress-beside':
    'Beside a compressed stream, or with etf, compress in Identify means nothing, whatever its type.',
  'in.etf': 'Terms of clients may have every tag that erlpack writes, and those of other encoders of Erlang.',
  'in.etf-nil': 'nil is a field that is not there; times and limits may be floats.',
  'in.etf-ids': 'Ids may be binaries or big integers; no digit is lost.',
  'in.etf-refused':
    'What is no term, has atoms as keys, is compressed, cut short or promises more than it has: 4002.',
  'in.binary-json': 'JSON from clients may come in text or binary frames.',
  'in.compressed': 'A compressed payload from a client is closed with 4002.',
  'in.size':
    'A payload of 4,096 bytes is taken, one of 4,097 is closed with 4002; so is one of any greater size.',
  'in.not-a-payload':
    'What is no JSON, no object, nested too deep, or has no whole `op` is closed with 4002.',
  'in.wrong-shape': '`d` of the wrong shape for its opcode is closed with 4001.',
  'in.bare-ids': 'Ids may be numbers beyond 2^53; no digit is lost.',
  'in.null-fields': 'Optional fields may be null.',
  'in.floats': 'Whole numbers may be written as floats.',
  'in.unknown-fields':
    'Unknown fields are ignored: v and capabilities of Identify, game of op 3, nonce of ops 31 and 43.',
  'envelope.nulls': 'A payload has op, d, s and t; s and t are null when it is no dispatch.',
} as const;
