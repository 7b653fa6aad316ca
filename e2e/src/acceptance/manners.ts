import { type Language, documents, inflated, plainJson, terms } from '../languages';

/** What a connection is asked for in its URL, and how it is then spoken. */
export interface Manner {
  readonly query: string;
  readonly language: () => Language;
}

/** Each way to have payloads on the wire that needs nothing but Node. */
export const manners = {
  json: { query: 'v=10&encoding=json', language: () => plainJson },
  etf: { query: 'v=10&encoding=etf', language: () => terms },
  zlib: { query: 'v=10&encoding=json&compress=zlib-stream', language: () => inflated(plainJson) },
  'zlib of etf': { query: 'v=10&encoding=etf&compress=zlib-stream', language: () => inflated(terms) },
  'compress in Identify': { query: 'v=10', language: () => documents },
} as const satisfies Readonly<Record<string, Manner>>;
export type MannerName = keyof typeof manners;
