import { Counter, Gauge } from 'prom-client';
import type { Registry } from '@derailed/platform/observability';

export function databaseMetrics(registry: Registry) {
  return {
    up: new Gauge({
      name: 'derailed_database_up',
      help: '1 while the last query reached the database, 0 since one did not.',
      registers: [registry],
    }),
    statements: new Counter({
      name: 'derailed_database_statements_total',
      help: 'Statements sent to the database, those of transactions included.',
      registers: [registry],
    }),
  };
}

export type DatabaseMetrics = ReturnType<typeof databaseMetrics>;
