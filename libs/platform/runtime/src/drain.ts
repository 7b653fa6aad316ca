import type { Clock } from '@derailed/shared/kernel';

/**
 * What a node sees through before it leaves the cluster. It is off the rings by then: others own its keys, and it is there
 * for as long as they need it.
 */
export class Drain {
  private readonly steps: (() => Promise<void>)[] = [];
  private readonly reasons: (() => boolean)[] = [];

  /** @param step resolves when nothing holds the node up any more. Begun once, together with all others */
  before(step: () => Promise<void>): void {
    this.steps.push(step);
  }

  /** @param reason whether somebody needs this node for what does not go along with its keys */
  keepWhile(reason: () => boolean): void {
    this.reasons.push(reason);
  }

  /** Whether keys are to stay here for now, if that can be. */
  get keeps(): boolean {
    return this.reasons.some((reason) => reason());
  }

  /** @returns false when the deadline (ms) came first */
  run(clock: Pick<Clock, 'after'>, deadline: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const late = clock.after(deadline, () => resolve(false));
      Promise.all(this.steps.map((step) => step())).then(() => {
        late();
        resolve(true);
      }, reject);
    });
  }
}
