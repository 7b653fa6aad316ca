import type { Cluster, ClusterView, Member, Role } from '@derailed/platform/cluster';
import type { Mesh } from '@derailed/platform/mesh';
import type { Logger } from '@derailed/platform/observability';
import { type Clock, unavailable } from '@derailed/shared/kernel';
import type { Drain } from './drain';
import { silence } from './silence';

/** How long all may take to answer, in milliseconds. One that is dead does not. */
const greetingMs = 2000;
/** The same when it matters: what was said longer ago need not be so any more. */
const roundMs = 1000;
/** Until all are asked again. */
const pauseMs = 100;

export interface GreetingParts {
  readonly mesh: Pick<Mesh, 'self' | 'call'>;
  readonly cluster: Pick<Cluster, 'view' | 'leaseTtl'>;
  readonly drain: Pick<Drain, 'keeps'>;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
}

/** Answers nodes that greet this one, when nothing keeps its keys here. */
export function answerGreetings(mesh: Pick<Mesh, 'onCall'>, drain: Pick<Drain, 'keeps'>): void {
  mesh.onCall('greeting', () => {
    if (drain.keeps) throw unavailable('a session-node is behind, and can catch up only here');
    return { $case: 'greeted', value: {} };
  });
}

/**
 * Has a word with every member while this node is still off the rings: when it is given keys, its links are there in both
 * directions, and nobody waits for them.
 */
export async function greet(parts: GreetingParts): Promise<void> {
  const { mesh, cluster } = parts;
  const { view } = cluster;
  if (view.member(mesh.self.id)?.state !== 'joining') return;
  // Whoever does not answer, and is not needed, is met when there is something to say.
  await meet(
    mesh,
    view.members.filter(({ id }) => id !== mesh.self.id),
    greetingMs,
  );
  await untilKeysMayMove(parts, silence(cluster));
}

/**
 * Waits until keys can come to this node, or leave it, and nobody is the worse for it: those who serve them or know who is
 * subscribed are all there, and no session-node is behind in what one of them would have to help it to.
 * @param withinMs whoever has not answered then is gone without
 */
export async function untilKeysMayMove(
  { mesh, cluster, drain, clock, logger }: GreetingParts,
  withinMs: number,
): Promise<void> {
  const end = clock.monotonic() + withinMs;
  while (clock.monotonic() < end) {
    // Anew each time: a node that is dead leaves the list.
    const others = concerned(cluster.view, mesh.self.id);
    if (!drain.keeps && (await meet(mesh, others, roundMs)) && !drain.keeps) return;
    await new Promise<void>((resolve) => {
      clock.after(pauseMs, resolve);
    });
  }
  logger.warn('keys move although not all can follow: sessions on a session-node that is behind may end');
}

/** @returns whether all have answered, and none has a reason against it */
async function meet(
  mesh: GreetingParts['mesh'],
  nodes: readonly Member[],
  withinMs: number,
): Promise<boolean> {
  const answers = nodes.map(({ id }) =>
    mesh.call(id, 'greeting', { $case: 'greeting', value: {} }, 'greeted', withinMs).then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(answers)).every(Boolean);
}

const withKeys: readonly Role[] = ['session-node', 'guild-node', 'presence-node'];

/** Who else has a part in it when keys come to this node or leave it. */
function concerned(view: ClusterView, self: string): Member[] {
  const moving = withKeys.filter((role) => view.member(self)?.roles.includes(role));
  if (moving.length === 0) return [];
  const partners: readonly Role[] = ['session-node', ...moving];
  return view.members.filter(({ id, roles }) => id !== self && roles.some((role) => partners.includes(role)));
}
