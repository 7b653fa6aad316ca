import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { OperatorError } from '@derailed/shared/kernel';
import type { AuthServiceConfig } from './settings';

/** Fewest bytes that a key may have. */
const shortest = 32;

/**
 * The key of AUTH_SIGNING_KEY, else the one in AUTH_KEY_FILE, which is made (mode 0600) when it is not there.
 * @throws OperatorError when the file can't be had, is too short, or others may read it
 */
export function signingKey({
  signingKey: key,
  keyFile,
}: Pick<AuthServiceConfig, 'signingKey' | 'keyFile'>): Buffer {
  if (key !== undefined) return Buffer.from(key);
  try {
    make(keyFile);
    if ((statSync(keyFile).mode & 0o077) !== 0) {
      throw new OperatorError(
        `AUTH_KEY_FILE: others may read ${keyFile}; chmod it to 600, or remove it for a new one.`,
      );
    }
    const stored = Buffer.from(readFileSync(keyFile, 'utf8').trim());
    if (stored.length >= shortest) return stored;
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(`AUTH_KEY_FILE: ${keyFile} can't be used: ${(error as Error).message}.`);
  }
  throw new OperatorError(`AUTH_KEY_FILE: ${keyFile} holds no key of ${shortest} characters or more.`);
}

/** Fails silently when the file is there: two instances that start together use one key. */
function make(keyFile: string): void {
  mkdirSync(dirname(keyFile), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(keyFile, `${randomBytes(shortest).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
