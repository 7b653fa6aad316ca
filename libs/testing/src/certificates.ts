import 'reflect-metadata';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  Extension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const curve = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const hour = 3_600_000;

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority that was made for one test, and knows nobody else. */
export interface Authority {
  /** Path of its PEM certificate. */
  readonly ca: string;
  /** A certificate of 127.0.0.1 and localhost, for servers and clients alike. */
  issue(name: string): Promise<Certificate>;
  /** Removes all files. */
  remove(): void;
}

/** Makes certificates in a folder of its own; valid from an hour ago for two. */
export async function createAuthority(name = 'test authority'): Promise<Authority> {
  const folder = mkdtempSync(join(tmpdir(), 'derailed-certificates-'));
  const write = (file: string, text: string): string => {
    const path = join(folder, file);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const keys = await generateKeys();
  const subject = `CN=${name}`;
  const root = await create(subject, subject, keys.publicKey, keys.privateKey, [
    new BasicConstraintsExtension(true, 0, true),
  ]);
  return {
    ca: write('ca.crt', root.toString('pem')),
    issue: async (holder) => {
      const own = await generateKeys();
      const names = new SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ]);
      const certificate = await create(`CN=${holder}`, subject, own.publicKey, keys.privateKey, [names]);
      const key = await webcrypto.subtle.exportKey('pkcs8', own.privateKey);
      return {
        cert: write(`${holder}.crt`, certificate.toString('pem')),
        key: write(`${holder}.key`, PemConverter.encode(key, 'PRIVATE KEY')),
      };
    },
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(curve, true, ['sign', 'verify']);
}

function create(
  subject: string,
  issuer: string,
  publicKey: webcrypto.CryptoKey,
  signingKey: webcrypto.CryptoKey,
  extensions: Extension[],
): Promise<X509Certificate> {
  const now = Date.now();
  const validity = { notBefore: new Date(now - hour), notAfter: new Date(now + hour) };
  return X509CertificateGenerator.create({
    subject,
    issuer,
    publicKey,
    signingKey,
    signingAlgorithm: curve,
    extensions,
    ...validity,
  });
}
