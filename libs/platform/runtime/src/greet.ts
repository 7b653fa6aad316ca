import type { Cluster } from '@derailed/platform/cluster';
import type { Mesh } from '@derailed/platform/mesh';

/** How long the others may take to answer, in milliseconds. One that is dead does not. */
const greetingMs = 2000;

/** Answers nodes that greet this one. */
export function answerGreetings(mesh: Pick<Mesh, 'onCall'>): void {
  mesh.onCall('greeting', () => ({ $case: 'greeted', value: {} }));
}

/**
 * Has a word with every member while this node is still off the rings: when it is given keys, its links are there in both
 * directions, and nobody waits for them.
 */
export async function greet(
  mesh: Pick<Mesh, 'self' | 'call'>,
  { view }: Pick<Cluster, 'view'>,
): Promise<void> {
  if (view.member(mesh.self.id)?.state !== 'joining') return;
  const others = view.members.filter(({ id }) => id !== mesh.self.id);
  await Promise.all(
    others.map(({ id }) =>
      // Whoever does not answer is met when there is something to say.
      mesh
        .call(id, 'greeting', { $case: 'greeting', value: {} }, 'greeted', greetingMs)
        .catch(() => undefined),
    ),
  );
}
