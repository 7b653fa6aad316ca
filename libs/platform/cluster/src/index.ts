export * from './cluster';
export * from './config';
export { type KeyPart, keyTest } from './core/key-part';
export * from './core/lease';
export * from './core/membership';
export * from './core/outage';
export * from './core/ownership';
export * from './create-cluster';
export type { MemberStore, WatchEvents } from './etcd/client';
export { EtcdCluster } from './etcd/etcd-cluster';
export * from './parse';
export * from './static-cluster';
export * from './view';

/** Injection token of the node's Cluster. */
export const CLUSTER = Symbol('CLUSTER');
