import { z } from 'zod';

/** What a setting says of itself: its variable, and a sentence for --print-config and docs/reference/config.md. */
export interface SettingMeta {
  readonly env: string;
  readonly description: string;
  /** Shown as *** wherever configuration is printed. */
  readonly secret?: boolean;
}

/** Ties a schema to its environment variable. A section is a plain object of these. */
export function setting<S extends z.ZodType>(env: string, description: string, schema: S, secret = false): S {
  return schema.meta({ env, description, secret }) as S;
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration such as `500ms`, `10s`, `3m`; a bare number is milliseconds. Kept as milliseconds. */
export function duration(fallback: string, bounds: { min?: string; max?: string } = {}) {
  const parse = (text: string): number => {
    const match = /^(\d+)(ms|s|m|h)?$/.exec(text.trim());
    return match ? Number(match[1]) * (units[match[2] ?? 'ms'] ?? 1) : Number.NaN;
  };
  const min = parse(bounds.min ?? '0');
  const max = bounds.max === undefined ? 2_147_483_647 : parse(bounds.max);
  return z
    .string()
    .default(fallback)
    .transform(parse)
    .refine((ms) => ms >= min && ms <= max, {
      message: `must be a duration such as 500ms, 10s or 3m${bounds.min || bounds.max ? `, from ${bounds.min ?? '0'} to ${bounds.max ?? '24d'}` : ''}`,
    });
}

/** A whole number. */
export function count(fallback: number, bounds: { min?: number; max?: number } = {}) {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
  return z
    .string()
    .default(String(fallback))
    .transform((text) => (/^\d+$/.test(text.trim()) ? Number(text) : Number.NaN))
    .refine((value) => value >= min && value <= max, {
      message: `must be a whole number from ${min} to ${max}`,
    });
}

const sizes: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** A size in bytes such as `4096`, `64K`, `16M`. */
export function size(fallback: string, bounds: { min?: number } = {}) {
  return z
    .string()
    .default(fallback)
    .transform((text) => {
      const match = /^(\d+)([KMG]?)$/.exec(text.trim());
      return match ? Number(match[1]) * (sizes[match[2] ?? ''] ?? 1) : Number.NaN;
    })
    .refine((value) => value >= (bounds.min ?? 0), { message: 'must be a size such as 4096, 64K or 16M' });
}

/** `1`, `true`, `0` or `false`. */
export function flag(fallback: boolean) {
  return z
    .enum(['1', 'true', '0', 'false'], { error: 'must be 1 or 0' })
    .default(fallback ? '1' : '0')
    .transform((text) => text === '1' || text === 'true');
}

/** Text that may be absent. */
export function optionalText() {
  return z.string().min(1, 'must not be empty').optional();
}

/** Where to listen or whom to dial. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, with `[::1]:80` for IPv6. Port 0 takes a free one. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host !== undefined && port <= 65_535 ? { host, port } : undefined;
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether the address is reachable from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

export function address(fallback: string) {
  return z
    .string()
    .default(fallback)
    .transform((text, context): Address => {
      const parsed = parseAddress(text);
      if (parsed) return parsed;
      context.addIssue({ code: 'custom', message: 'must be HOST:PORT, such as 127.0.0.1:15000' });
      return z.NEVER;
    });
}

/**
 * The three TLS variables of a door: `${door}_TLS_CERT`, `${door}_TLS_KEY` and, to demand client certificates,
 * `${door}_TLS_CA`; each a path to a PEM file. Empty object shape keys: tlsCert, tlsKey, tlsCa.
 */
export function doorTls(door: string) {
  return {
    tlsCert: setting(
      `${door}_TLS_CERT`,
      `Path to the PEM certificate (chain) of the ${door.toLowerCase()} door.`,
      optionalText(),
    ),
    tlsKey: setting(
      `${door}_TLS_KEY`,
      `Path to the PEM private key of the ${door.toLowerCase()} door.`,
      optionalText(),
    ),
    tlsCa: setting(
      `${door}_TLS_CA`,
      `Path to PEM certificates of authorities; when set, callers must show a certificate of theirs.`,
      optionalText(),
    ),
  };
}

/** What doorTls becomes once loaded. */
export interface DoorTls {
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsCa?: string | undefined;
}
