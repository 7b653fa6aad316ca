import { type Invitation, enter } from './newcomer';

export interface StormOrder {
  readonly invitations: readonly Omit<Invitation, 'random'>[];
}

export interface StormReport {
  /** By client, milliseconds from the beginning of the storm. */
  readonly readyMs: readonly number[];
  readonly enteredMs: readonly number[];
  /** Connections of all clients together. */
  readonly attempts: number;
}

/** All clients of the storm, in a process of their own; they stay until it ends. */
process.once('message', ({ invitations }: StormOrder) => {
  const start = performance.now();
  void Promise.all(
    invitations.map((invitation) => enter({ ...invitation, random: Math.random }, start)),
  ).then((newcomers) => {
    const report: StormReport = {
      readyMs: newcomers.map(({ readyMs }) => readyMs),
      enteredMs: newcomers.map(({ enteredMs }) => enteredMs),
      attempts: newcomers.reduce((sum, { attempts }) => sum + attempts, 0),
    };
    process.send?.(report);
  });
});
process.on('disconnect', () => process.exit(0));
