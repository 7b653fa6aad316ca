import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signingKey } from './signing-key';

let directory: string;
let keyFile: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'derailed-key-'));
  keyFile = join(directory, 'made', 'auth.key');
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

it('the key of the environment is used as it is', () => {
  expect(signingKey({ signingKey: 'k'.repeat(32), keyFile }).toString()).toBe('k'.repeat(32));
});

it('a key is made once, for its owner alone, and kept', () => {
  const made = signingKey({ keyFile });
  expect(made.length).toBeGreaterThanOrEqual(32);
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  expect(signingKey({ keyFile })).toEqual(made);
});

it('a key that others may read, or that is too short, is refused in one sentence', () => {
  signingKey({ keyFile });
  chmodSync(keyFile, 0o644);
  expect(() => signingKey({ keyFile })).toThrow(
    `AUTH_KEY_FILE: others may read ${keyFile}; chmod it to 600, or remove it for a new one.`,
  );
  chmodSync(keyFile, 0o600);
  writeFileSync(keyFile, 'short\n');
  expect(() => signingKey({ keyFile })).toThrow(
    `AUTH_KEY_FILE: ${keyFile} holds no key of 32 characters or more.`,
  );
});

it('a path that can not be a file is refused in one sentence', () => {
  expect(() => signingKey({ keyFile: directory })).toThrow(`AUTH_KEY_FILE: ${directory} can't be used`);
});
