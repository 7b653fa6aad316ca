import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as zlib from 'node:zlib';

/** Packages of e2e/foreign, and what of them this machine could install. */
const folder = join(__dirname, '../../foreign/node_modules');
/** One that has zstd: the one that runs this, from 22.15 on, or the package `node`. */
const node24 = 'createZstdCompress' in zlib ? process.execPath : join(folder, 'node/bin/node');
const python = process.env['DERAILED_PYTHON'];

/** What a client library may look for, and what else a test may need. */
export type Extra = 'erlpack' | 'zlib-sync' | 'zstd-napi' | 'Node 24' | 'discord.py and hikari';

function runs(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const loads = (name: string): boolean =>
  existsSync(join(folder, name)) &&
  runs(process.execPath, ['-e', `require(${JSON.stringify(join(folder, name))})`]);

const there: ReadonlySet<Extra> = new Set<Extra>([
  ...(['erlpack', 'zlib-sync', 'zstd-napi'] as const).filter(loads),
  ...(existsSync(node24) && runs(node24, ['-e', 'require("node:zlib").createZstdCompress()'])
    ? (['Node 24'] as const)
    : []),
  ...(python !== undefined && runs(python, ['-c', 'import discord, hikari, zstandard, backports.zstd'])
    ? (['discord.py and hikari'] as const)
    : []),
]);

/** What of these is not installed. */
export function missing(extras: readonly Extra[]): Extra[] {
  return extras.filter((extra) => !there.has(extra));
}

/** A Node that has zstd; undefined when there is none. */
export const modernNode = there.has('Node 24') ? node24 : undefined;

/** The Python that has the libraries. Ask `missing` first. */
export const foreignPython = python ?? '';

/** A folder for NODE_PATH with these packages and no others. */
export function nodePathOf(packages: readonly Extra[]): string {
  const path = mkdtempSync(join(tmpdir(), 'derailed-foreign-'));
  for (const name of packages) symlinkSync(join(folder, name), join(path, name));
  return path;
}
