import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Certificate } from './certificates';
import { freePort } from './free-port';

const run = promisify(execFile);

/** A real etcd of one server (Debian's etcd-server), with a data directory of its own. */
export interface RunningEtcd {
  /** HOST:PORT of its client door. */
  readonly address: string;
  /** Runs etcdctl (Debian's etcd-client) against it. Answers what that prints. */
  ctl(...args: readonly string[]): Promise<string>;
  /** SIGKILL, and waits for the end. The data stays. */
  kill(): Promise<void>;
  /** Starts it again, at the same address with the same data. */
  restart(): Promise<void>;
  /** SIGSTOP: it takes connections and answers nothing. */
  pause(): void;
  resume(): void;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export interface EtcdOptions {
  /** When set, clients have to speak TLS and to show a certificate of this authority. */
  readonly tls?: { readonly ca: string; readonly certificate: Certificate };
}

/** Whether etcd and etcdctl are on this machine. */
export function hasEtcd(): boolean {
  try {
    execFileSync('etcd', ['--version'], { stdio: 'ignore' });
    execFileSync('etcdctl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** `describe` where etcd is installed; elsewhere the suite is skipped, and says why. */
export function describeWithEtcd(name: string, suite: () => void): void {
  const installed = hasEtcd();
  if (!installed) process.stderr.write(`left out, for etcd is not installed: ${name}\n`);
  (installed ? describe : describe.skip)(name, suite);
}

export async function startEtcd({ tls }: EtcdOptions = {}): Promise<RunningEtcd> {
  const directory = mkdtempSync(join(tmpdir(), 'derailed-etcd-'));
  const [port, peerPort] = [await freePort(), await freePort()];
  const scheme = tls === undefined ? 'http' : 'https';
  const address = `127.0.0.1:${port}`;
  const url = `${scheme}://${address}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const launch = () => launchEtcd(directory, url, peerUrl, tls);
  let server = await launch();
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGCONT');
    server.kill(signal);
    await ended;
  };
  const trust =
    tls === undefined
      ? []
      : ['--cacert', tls.ca, '--cert', tls.certificate.cert, '--key', tls.certificate.key];
  return {
    address,
    ctl: async (...args) =>
      (
        await run('etcdctl', ['--endpoints', url, ...trust, ...args], {
          env: { ...process.env, ETCDCTL_API: '3' },
        })
      ).stdout,
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGKILL');
      server = await launch();
    },
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    stop: async () => {
      await end('SIGTERM');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function launchEtcd(directory: string, url: string, peerUrl: string, tls: EtcdOptions['tls']) {
  const server = spawn(
    'etcd',
    [
      ...['--name', 'test', '--data-dir', join(directory, 'data')],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', `test=${peerUrl}`],
      ...(tls === undefined
        ? []
        : [
            ...['--cert-file', tls.certificate.cert, '--key-file', tls.certificate.key],
            ...['--trusted-ca-file', tls.ca, '--client-cert-auth'],
          ]),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface(server.stderr).on('line', (line) => {
      said.push(line);
      if (said.length > 200) said.shift();
      if (line.includes('serving') && line.includes('client requests')) resolve();
    });
    server.once('error', reject);
    server.once('exit', () => reject(new Error(`etcd did not start:\n${said.join('\n')}`)));
  });
  return server;
}
