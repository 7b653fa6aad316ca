import { Registry, collectDefaultMetrics } from 'prom-client';

/** Injection token of the node's prom-client Registry. */
export const METRICS = Symbol('METRICS');

/** A registry with the process' own figures (memory, event loop lag, handles) in it. */
export function createRegistry(app: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ app });
  collectDefaultMetrics({ register: registry });
  return registry;
}
