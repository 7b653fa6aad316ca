import { closeRows } from '@derailed/shared/protocol';
import { run } from './run';

it('30,000 generated frames break no law of a connection, and reach what they are meant to reach', () => {
  // A new seed each day, printed by fast-check when a life fails; the long run is `npm run fuzz`.
  const seed = Math.floor(Date.now() / 86_400_000);
  const { ends } = run(30_000, seed);
  const reached = [...ends.keys()].filter((end) => Object.hasOwn(closeRows, end));
  expect(reached).toEqual(
    expect.arrayContaining([
      'unknown_opcode',
      'decode_error',
      'payload_too_large',
      'unknown_encoding',
      'not_authenticated',
      'authentication_failed',
      'already_authenticated',
      'invalid_shard',
      'invalid_version',
      'invalid_intents',
      'rate_limited',
      'too_many_pings',
      'disallowed_intents',
      'heartbeat_timeout',
      'identify_timeout',
      'unavailable',
    ]),
  );
});
