import type { Cluster } from '@derailed/platform/cluster';
import type { Mesh } from '@derailed/platform/mesh';
import { AudienceKind, type Publish } from '@derailed/shared/contract';
import type { Cancel, Clock, Rng, Snowflake } from '@derailed/shared/kernel';

export interface JoinCounters {
  /** A user is about to be told. */
  announced(): void;
  /** Its session-node could not be told; it may be once more. */
  failed(): void;
}

/** How long one try may take (ms). Nobody waits for it. */
const deadline = 30_000;
const firstWait = 500;
const longestWait = 15_000;
/** A session-node that was away for longer has no sessions left (ms). */
const patience = 600_000;
/** Users that wait to be told; of more, those that waited longest are given up. */
const mostWaiting = 16_384;

const none = Buffer.alloc(0);

/**
 * Tells the living sessions of users who have joined a guild to subscribe, in case that the monolith tells the guild
 * alone. Said again until the owner of the user has heard it: nothing else would ever let those sessions in.
 */
export class Joins {
  private readonly waiting = new Set<Cancel>();

  constructor(
    private readonly mesh: Mesh,
    private readonly cluster: Cluster,
    private readonly clock: Clock,
    private readonly rng: Pick<Rng, 'next'>,
    private readonly counters: JoinCounters,
  ) {}

  /** @param eventId of what made the user a member: the word of it that comes twice is recognised */
  announce(guildId: Snowflake, userId: Snowflake, eventId: string): void {
    this.counters.announced();
    const data = Buffer.from(`{"id":"${guildId}"}`);
    const event = { id: `${eventId}:join`, name: 'GUILD_CREATE', data, own: none, volatile: false };
    const value: Publish = {
      kind: AudienceKind.AUDIENCE_KIND_USER,
      audienceIds: [userId],
      event,
      channelId: '',
    };
    this.tell(userId, value, this.clock.monotonic() + patience, firstWait);
  }

  stop(): void {
    for (const cancel of this.waiting) cancel();
    this.waiting.clear();
  }

  private tell(userId: Snowflake, value: Publish, until: number, wait: number): void {
    const node = this.cluster.view.ownerOf('session-node', userId);
    if (node === undefined) return this.again(userId, value, until, wait);
    this.mesh.call(node, `u:${userId}`, { $case: 'publish', value }, 'published', deadline).catch(() => {
      this.counters.failed();
      this.again(userId, value, until, wait);
    });
  }

  private again(userId: Snowflake, value: Publish, until: number, wait: number): void {
    if (this.clock.monotonic() >= until) return;
    const [oldest] = this.waiting;
    if (this.waiting.size >= mostWaiting && oldest !== undefined) {
      oldest();
      this.waiting.delete(oldest);
    }
    const cancel = this.clock.after(wait * (0.5 + this.rng.next() / 2), () => {
      this.waiting.delete(cancel);
      this.tell(userId, value, until, Math.min(2 * wait, longestWait));
    });
    this.waiting.add(cancel);
  }
}
