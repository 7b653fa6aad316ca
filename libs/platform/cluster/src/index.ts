export * from './cluster';
export * from './config';
export * from './core/lease';
export * from './core/membership';
export * from './create-cluster';
export * from './parse';
export * from './static-cluster';
export * from './view';

/** Injection token of the node's Cluster. */
export const CLUSTER = Symbol('CLUSTER');
