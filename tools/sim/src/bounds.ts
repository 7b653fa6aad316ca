import type { Registry } from '@derailed/platform/observability';
import type { Gauge } from 'prom-client';
import type { History } from './history';

/** The limits of a world's nodes, as their configuration has them. */
export interface Limits {
  /** LINK_QUEUE and LINK_WINDOW, in bytes, for each of `peers`. */
  readonly linkQueue: number;
  readonly linkWindow: number;
  readonly peers: number;
  readonly localQueue: number;
  readonly replayBytes: number;
  readonly memberQueue: number;
  /** STREAM_IN_FLIGHT, for each of `streams`. */
  readonly streamInFlight: number;
}

/** What is in the hands of the sender already when it finds a limit reached (bytes). */
const oneMessage = 64 * 1024;

/** The most that each gauge may say. */
function boundsOf(limits: Limits, streams: number): readonly (readonly [gauge: string, most: number])[] {
  const { linkQueue, linkWindow, peers, localQueue, replayBytes, memberQueue, streamInFlight } = limits;
  return [
    // Acks and answers have as much room again.
    ['derailed_mesh_queue_bytes', peers * (2 * linkQueue + oneMessage)],
    ['derailed_mesh_unreceived_bytes', peers * (linkQueue + linkWindow + oneMessage)],
    ['derailed_mesh_local_queue', localQueue],
    ['derailed_session_replay_bytes', replayBytes + oneMessage],
    ['derailed_session_member_requests_waiting', memberQueue],
    ['derailed_tunnel_publishes_in_flight', streams * streamInFlight],
  ];
}

/** Looks at what waits in a node, as its operator would. */
export async function checkBounds(
  id: string,
  registry: Registry,
  limits: Limits,
  history: History,
): Promise<void> {
  const read = async (name: string): Promise<number | undefined> => {
    const gauge = registry.getSingleMetric(name) as Gauge | undefined;
    const { values } = (await gauge?.get()) ?? { values: [] };
    return values[0]?.value;
  };
  // A stream that has just ended may still have publishes on their way.
  const streams = 2 + ((await read('derailed_tunnel_streams')) ?? 0);
  for (const [name, most] of boundsOf(limits, streams)) {
    const value = await read(name);
    if (value !== undefined && value > most)
      history.broken('bounded', `${name} of ${id} is ${value}, and may be ${most} at most`);
  }
}
