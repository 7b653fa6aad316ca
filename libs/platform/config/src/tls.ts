import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { OperatorError } from '@derailed/shared/kernel';
import type { DoorTls } from './setting';

/** PEM contents of a door's certificate. */
export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** When set, callers must show a certificate that one of these signed. */
  readonly ca: Buffer | undefined;
}

/** Reads the PEM file that `variable` names. @throws OperatorError */
export function readPem(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new OperatorError(
      `${variable}: can't read ${path} (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}).`,
    );
  }
}

/**
 * The door's TLS files, or undefined when it has none.
 * @param door the prefix of its variables, such as GATEWAY
 * @throws OperatorError for half a pair, a file that can't be read, or a key that is not the certificate's
 */
export function readDoorTls(door: string, { tlsCert, tlsKey, tlsCa }: DoorTls): TlsMaterial | undefined {
  if (tlsCert === undefined && tlsKey === undefined) {
    if (tlsCa !== undefined)
      throw new OperatorError(`${door}_TLS_CA needs ${door}_TLS_CERT and ${door}_TLS_KEY.`);
    return undefined;
  }
  if (tlsCert === undefined) throw new OperatorError(`${door}_TLS_KEY needs ${door}_TLS_CERT.`);
  if (tlsKey === undefined) throw new OperatorError(`${door}_TLS_CERT needs ${door}_TLS_KEY.`);
  const material = {
    cert: readPem(`${door}_TLS_CERT`, tlsCert),
    key: readPem(`${door}_TLS_KEY`, tlsKey),
    ca: tlsCa === undefined ? undefined : readPem(`${door}_TLS_CA`, tlsCa),
  };
  try {
    createSecureContext(material);
  } catch (error) {
    throw new OperatorError(
      `${door}_TLS_CERT and ${door}_TLS_KEY can't be used: ${(error as Error).message}.`,
    );
  }
  return material;
}
