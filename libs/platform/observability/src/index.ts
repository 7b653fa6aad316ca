export type { Registry } from 'prom-client';
export * from './admin';
export * from './logger';
export * from './metrics';
export * from './readiness';
