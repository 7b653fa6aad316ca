import { type CloseReason, apiVersions, defaultApiVersion } from '@derailed/shared/protocol';

export type EncodingName = 'json' | 'etf';
export type TransportCompression = 'none' | 'zlib-stream' | 'zstd-stream';

/** What the client asked for in the URL of the upgrade. */
export interface ConnectionQuery {
  readonly version: number;
  readonly encoding: EncodingName;
  readonly compression: TransportCompression;
}

/**
 * Reads `?v=&encoding=&compress=`; other parameters are ignored. What is not served is named, never dropped
 * silently: a client would inflate plain text.
 * @param zstd whether this node can speak zstd
 */
export function readQuery(query: string, zstd: boolean): ConnectionQuery | CloseReason {
  const parameters = new URLSearchParams(query);
  const text = parameters.get('v');
  const version = text === null ? defaultApiVersion : Number(text);
  if (!apiVersions.some((served) => served === version)) return 'invalid_version';
  const encoding = parameters.get('encoding') ?? 'json';
  if (encoding !== 'json' && encoding !== 'etf') return 'unknown_encoding';
  const compression = parameters.get('compress') ?? 'none';
  switch (compression) {
    case 'zstd-stream':
      return zstd ? { version, encoding, compression } : 'zstd_unavailable';
    case 'none':
      return parameters.has('compress') ? 'unknown_encoding' : { version, encoding, compression };
    case 'zlib-stream':
      return { version, encoding, compression };
    default:
      return 'unknown_encoding';
  }
}
