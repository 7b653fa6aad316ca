import { type CloseReason, apiVersions, defaultApiVersion } from '@derailed/shared/protocol';

/** What the client asked for in the URL of the upgrade. */
export interface ConnectionQuery {
  readonly version: number;
}

/**
 * Reads `?v=&encoding=&compress=`; other parameters are ignored. What is not served is named, never dropped
 * silently: a client would inflate plain text.
 */
export function readQuery(query: string): ConnectionQuery | CloseReason {
  const parameters = new URLSearchParams(query);
  const version = parameters.get('v');
  const number = version === null ? defaultApiVersion : Number(version);
  if (!apiVersions.some((served) => served === number)) return 'invalid_version';
  if ((parameters.get('encoding') ?? 'json') !== 'json') return 'unknown_encoding';
  return parameters.has('compress') ? 'unknown_encoding' : { version: number };
}
