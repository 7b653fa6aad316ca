// What nodes say to each other.
export * from './generated/derailed/link/v1/link';
export * from './generated/derailed/link/v1/messages';

// What the monolith says to the gateway, and the gateway to the auth service. These have names of
// their own because some messages are called like those above.
export * as tunnelV1 from './generated/derailed/tunnel/v1/tunnel';
export * as legacyGrpc from './generated/derailed/grpc/gateway';
export * as authGrpc from './generated/derailed/grpc/auth/auth';

// What membership says to etcd: the part of etcd's public API that it uses.
export * as etcdApi from './generated/etcdserverpb/rpc';

export { descriptorSet } from './generated/descriptors';
