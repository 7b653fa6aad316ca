/** Of what comes in a burst, so much is done in one turn of the event loop: what else there is to do goes on between. */
export class Pace<T> {
  private readonly waiting: T[] = [];

  /**
   * @param turn runs a task after the current turn of the event loop
   * @param take does not throw
   */
  constructor(
    private readonly perTurn: number,
    private readonly turn: (task: () => void) => void,
    private readonly take: (item: T) => void,
  ) {}

  add(item: T): void {
    this.waiting.push(item);
    if (this.waiting.length === 1) this.turn(this.next);
  }

  /** @returns what has not been taken, and will not be */
  clear(): readonly T[] {
    return this.waiting.splice(0);
  }

  private readonly next = (): void => {
    for (const item of this.waiting.splice(0, this.perTurn)) this.take(item);
    if (this.waiting.length > 0) this.turn(this.next);
  };
}
