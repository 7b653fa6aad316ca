/** A reason to close a connection, as the client and the operator see it. */
export interface CloseRow {
  readonly code: number;
  /** Travels in the close frame: at most 123 bytes. */
  readonly reason: string;
  /** Whether the client should connect again at all. */
  readonly reconnect: boolean;
  /** Whether the session, if there was one, is kept and may be resumed. */
  readonly resume: boolean;
}

/**
 * Why the server closes a connection. The key is the label in metrics; several rows may share a code. The first
 * row of a code is the one meant when only the code is known.
 * @see https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
 */
export const closeRows = {
  unknown_error: { code: 4000, reason: 'Unknown error.', reconnect: true, resume: true },
  heartbeat_timeout: { code: 4000, reason: 'Heartbeat timeout.', reconnect: true, resume: true },
  identify_timeout: {
    code: 4000,
    reason: 'Neither identified nor resumed in time.',
    reconnect: true,
    resume: true,
  },
  unavailable: { code: 4000, reason: 'Try again later.', reconnect: true, resume: true },
  too_slow: { code: 4000, reason: 'Reads too slowly.', reconnect: true, resume: true },
  session_lost: { code: 4000, reason: 'The session was lost on the way.', reconnect: true, resume: true },
  draining: { code: 4000, reason: 'This node is going away.', reconnect: true, resume: true },
  unknown_opcode: {
    code: 4001,
    reason: 'Unknown opcode, or its data is wrong.',
    reconnect: true,
    resume: false,
  },
  decode_error: { code: 4002, reason: 'Not a payload.', reconnect: true, resume: true },
  payload_too_large: {
    code: 4002,
    reason: 'Payloads have at most 4096 bytes.',
    reconnect: true,
    resume: true,
  },
  broken_frame: {
    code: 4002,
    reason: 'Not a WebSocket frame, or compressed.',
    reconnect: true,
    resume: true,
  },
  unknown_encoding: {
    code: 4002,
    reason: 'This encoding or compression is not served.',
    reconnect: true,
    resume: true,
  },
  zstd_unavailable: {
    code: 4002,
    reason: 'No zstd-stream here: it needs Node 22.15 or the package zstd-napi.',
    reconnect: true,
    resume: true,
  },
  not_authenticated: { code: 4003, reason: 'Identify or resume first.', reconnect: true, resume: false },
  authentication_failed: { code: 4004, reason: 'The token is not valid.', reconnect: false, resume: false },
  already_authenticated: { code: 4005, reason: 'Identified already.', reconnect: true, resume: false },
  invalid_seq: { code: 4007, reason: 'The sequence number was never sent.', reconnect: true, resume: false },
  rate_limited: {
    code: 4008,
    reason: 'More than 120 payloads in 60 seconds.',
    reconnect: true,
    resume: true,
  },
  too_many_pings: {
    code: 4008,
    reason: 'More than 120 pings in 60 seconds.',
    reconnect: true,
    resume: true,
  },
  session_timed_out: { code: 4009, reason: 'The session timed out.', reconnect: true, resume: false },
  invalid_shard: { code: 4010, reason: 'The shard is not valid.', reconnect: false, resume: false },
  sharding_required: {
    code: 4011,
    reason: 'Too many guilds for one shard.',
    reconnect: false,
    resume: false,
  },
  invalid_version: {
    code: 4012,
    reason: 'This version of the API is not served.',
    reconnect: false,
    resume: false,
  },
  invalid_intents: { code: 4013, reason: 'The intents are not valid.', reconnect: false, resume: false },
  disallowed_intents: { code: 4014, reason: 'An intent needs a grant.', reconnect: false, resume: false },
} as const satisfies Readonly<Record<string, CloseRow>>;

export type CloseReason = keyof typeof closeRows;

/** The first row with this code; a code that no row has is an unknown error. */
export function closeReasonOf(code: number): CloseReason {
  for (const key of Object.keys(closeRows) as CloseReason[]) if (closeRows[key].code === code) return key;
  return 'unknown_error';
}

/** docs/reference/close-codes.md */
export function renderCloseCodes(): string {
  const yes = (value: boolean): string => (value ? 'yes' : 'no');
  const rows = Object.entries<CloseRow>(closeRows).map(
    ([key, row]) =>
      `| ${row.code} | \`${key}\` | ${row.reason} | ${yes(row.reconnect)} | ${yes(row.resume)} |`,
  );
  return [
    '# Close codes',
    '',
    'Generated from libs/shared/protocol/src/close-codes.ts. The second column is the label `reason` of the metric',
    '`derailed_gateway_closes_total`. "Resume" says whether the session, if there was one, is kept: after a "no" a',
    'resume is answered with op 9 (false).',
    '',
    '| Code | Reason | In the close frame | Reconnect | Resume |',
    '| ---: | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
