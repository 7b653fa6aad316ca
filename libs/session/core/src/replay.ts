import type { Outbox } from './effects';
import type { Session } from './session';

/** A part of a replay: what is under way to one socket before its ws-gateway has said that it drained. */
const partDispatches = 256;
export const partBytes = 256 * 1024;

export type ReplayProgress =
  /** More follows when the socket has drained. */
  | 'waiting'
  /** All that was dispatched is on its way. */
  | 'caught-up'
  /** The buffer slid past what the client still needs. */
  | 'lost';

/** Sends the next part of what the session's client missed, one dispatch a message, from session.cursor on. */
export function sendReplayPart(session: Session, outbox: Outbox): ReplayProgress {
  const { binding, buffer } = session;
  if (binding === undefined) return 'waiting';
  if (session.cursor < buffer.first) return 'lost';
  const { last } = buffer;
  const end = endOfPart(session, last);
  for (let seq = session.cursor; seq <= end; seq++) {
    const dispatch = buffer.at(seq);
    if (dispatch === undefined) return 'lost';
    outbox.tell(binding.outlet.node.id, {
      $case: 'deliver',
      value: {
        // Its latency was measured when it was new; how long the client was away is no latency.
        event: { ...dispatch.event, publishedAt: undefined },
        connections: [binding.connection],
        seqs: [seq],
        wantsDrain: seq === end && end < last,
      },
    });
  }
  session.cursor = end + 1;
  return end < last ? 'waiting' : 'caught-up';
}

function endOfPart({ cursor, buffer }: Session, last: number): number {
  let bytes = 0;
  const most = Math.min(last, cursor + partDispatches - 1);
  for (let seq = cursor; seq <= most; seq++) {
    bytes += buffer.at(seq)?.bytes ?? 0;
    // One dispatch always goes, however long it is.
    if (bytes > partBytes && seq > cursor) return seq - 1;
  }
  return most;
}
