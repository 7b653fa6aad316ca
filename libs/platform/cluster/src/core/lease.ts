/** What may go wrong with clocks and timers between a lease's end at etcd and our knowing of it, in milliseconds. */
export const leaseMarginMs = 1000;

/**
 * How long this node may believe that it is a member. A lease lives at etcd for TTL after etcd has handled the last
 * renewal, which is no earlier than that renewal was sent: until TTL - 1 s after the sending nobody else can have its
 * keys. Times are monotonic milliseconds.
 */
export class Lease {
  /** In what part of TTL after a renewal the next one is sent. */
  private static readonly renewAfter = 1 / 4;
  /** How long after a renewal that failed the next one is sent (ms). */
  private static readonly retryAfter = 500;

  private validUntil: number;
  private renewAt: number;
  private sentAt: number | undefined;

  /** @param grantSentAt when the grant was asked for */
  constructor(
    readonly id: number,
    private readonly ttlMs: number,
    grantSentAt: number,
  ) {
    this.validUntil = grantSentAt + ttlMs - leaseMarginMs;
    this.renewAt = grantSentAt + ttlMs * Lease.renewAfter;
  }

  validAt(now: number): boolean {
    return now < this.validUntil;
  }

  /** When the next renewal is due; undefined: one is on its way. */
  nextRenewal(): number | undefined {
    return this.sentAt === undefined ? this.renewAt : undefined;
  }

  sent(now: number): void {
    this.sentAt = now;
  }

  /** etcd has answered the renewal that was sent last. */
  renewed(): void {
    if (this.sentAt === undefined) return;
    this.validUntil = Math.max(this.validUntil, this.sentAt + this.ttlMs - leaseMarginMs);
    this.renewAt = this.sentAt + this.ttlMs * Lease.renewAfter;
    this.sentAt = undefined;
  }

  /** Nothing came back: etcd may or may not have renewed it, so it was not. */
  failed(now: number): void {
    this.sentAt = undefined;
    this.renewAt = now + Lease.retryAfter;
  }
}
