export * from './mesh';
export { type MeshConfig, meshSettings } from './config';
export { type MeshOptions, createMesh } from './create-mesh';
export { InProcessNetwork, type NetworkOptions } from './local/network';
export type { Dial, OutgoingEvents, OutgoingStream } from './grpc/dial';
export type { IncomingStream, Visitor, Visitors } from './grpc/door';
export type { Transport, TransportDoor } from './grpc/transport';
export { compatible, contractVersion } from './grpc/wire';
export { NodeMesh } from './node-mesh';
export { Unreachable } from './pending-calls';
export type { Scheduler } from './scheduler';

/** Injection token of the node's Mesh. */
export const MESH = Symbol('MESH');
