/**
 * When session-nodes acked last, in any audience of an owner. One that leaves an event unacked and acks others meanwhile
 * is slow: it has what it is sent, later.
 */
export class Pulse {
  private readonly beats = new Map<string, number>();

  /** @param now monotonic milliseconds */
  beat(node: string, now: number): void {
    this.beats.set(node, now);
  }

  /** Milliseconds since its last ack. */
  silence(node: string, now: number): number {
    return now - (this.beats.get(node) ?? Number.NEGATIVE_INFINITY);
  }

  forget(node: string): void {
    this.beats.delete(node);
  }
}
