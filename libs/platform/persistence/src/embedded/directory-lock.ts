import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { OperatorError } from '@derailed/shared/kernel';

/** A lock that its owner has not renewed for this long, in milliseconds, is free: what kill -9 leaves behind. */
const stale = 4000;

/** How often the owner renews it, in milliseconds. */
const renew = 1000;

/**
 * Takes the directory, and creates it if need be, for this process alone until the function that comes back is called.
 * Where the last owner was killed that takes `stale`; where it lives it fails as soon as it is seen to renew.
 * `onLost` is called when somebody else took it after all (this process was stopped for too long).
 * @throws OperatorError when another process uses it, or it can't be created.
 */
export async function lockDirectory(directory: string, onLost: () => void): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((error: Error) => {
    throw new OperatorError(`DATA_DIR: ${directory} can't be created: ${error.message}.`);
  });
  const lockfilePath = join(directory, 'lock');
  let renewedAt: number | undefined;
  for (;;) {
    try {
      const release = await lock(directory, { lockfilePath, stale, update: renew, onCompromised: onLost });
      return () => release().catch(() => undefined);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') {
        throw new OperatorError(`DATA_DIR: ${directory} can't be locked: ${(error as Error).message}.`);
      }
    }
    const seen = await modifiedAt(lockfilePath);
    if (renewedAt !== undefined && seen !== undefined && seen !== renewedAt) {
      throw new OperatorError(
        `DATA_DIR: ${directory} is in use by another process; stop it, or name another directory.`,
      );
    }
    renewedAt = seen;
    await sleep(renew / 4);
  }
}

async function modifiedAt(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.mtimeMs;
}
