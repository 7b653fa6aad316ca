import { Counter, Gauge } from 'prom-client';
import type { Registry } from '@derailed/platform/observability';

const outcomes = ['valid', 'cached', 'invalid', 'unavailable'] as const;

/** How the check of a token ended. */
export type Outcome = (typeof outcomes)[number];

export function authMetrics(registry: Registry) {
  const checks = new Counter({
    name: 'derailed_auth_checks_total',
    help: 'Tokens checked, by outcome.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const up = new Gauge({
    name: 'derailed_auth_up',
    help: '1 while the last call reached the auth service, 0 since one did not.',
    registers: [registry],
  });
  up.set(1);
  const children = Object.fromEntries(
    outcomes.map((outcome) => {
      const child = checks.labels({ outcome });
      child.inc(0);
      return [outcome, child];
    }),
  );
  return { up, checks: children as Record<Outcome, Counter.Internal> };
}

/** Injection token of the AuthMetrics. */
export const AUTH_METRICS = Symbol('AUTH_METRICS');

export type AuthMetrics = ReturnType<typeof authMetrics>;
