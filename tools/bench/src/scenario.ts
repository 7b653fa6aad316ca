import { startPostgres } from '@derailed/testing';
import type { Options } from './options';
import type { Bound } from './report';
import { type Population, seed } from './seed';

/** One part of the bench: prints its figures, and hands back the bounds that it measured. */
export type Scenario = (options: Options, say: (text: string) => void) => Promise<readonly Bound[]>;

/** All events of the platform, presences and members too: what user accounts may ask for. */
export const allIntents = 53_608_447;
/** The same without presences, members and message content. */
export const unprivilegedIntents = 53_575_421;

/** Things to stop at the end, the last one first, whatever happened. */
export class Closing {
  private readonly steps: (() => unknown)[] = [];

  add<T>(thing: T, close: (thing: T) => unknown): T {
    this.steps.push(() => close(thing));
    return thing;
  }

  async run(): Promise<void> {
    for (const step of this.steps.reverse()) await step();
  }
}

/** Runs `work` on a fresh PostgreSQL with these people in it. */
export async function withDatabase<T>(
  plan: readonly { readonly users: number; readonly guilds: number }[],
  work: (url: string, populations: Population[], closing: Closing) => Promise<T>,
): Promise<T> {
  const closing = new Closing();
  try {
    const { url } = closing.add(await startPostgres(), (postgres) => postgres.stop());
    return await work(url, await seed(url, plan), closing);
  } finally {
    await closing.run();
  }
}
