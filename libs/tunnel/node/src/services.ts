import type { ServiceDefinition } from '@grpc/grpc-js';
import { type PackageDefinition, loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { descriptorSet, legacyGrpc, tunnelV1 } from '@derailed/shared/contract';

/** The packages that Nest looks for in `definitions`. */
export const packages = ['derailed.tunnel.v1', 'derailed.grpc'];

/** What the tunnel serves. Requests and answers are the types of @derailed/shared/contract. */
export const definitions = {
  'derailed.tunnel.v1.Tunnel': tunnelV1.TunnelService,
  'derailed.grpc.Guild': legacyGrpc.GuildService,
  'derailed.grpc.User': legacyGrpc.UserService,
} as const satisfies Readonly<Record<string, ServiceDefinition>>;

export const serviceNames: readonly string[] = Object.keys(definitions);

/** The same as the reflection service wants it: with the descriptors that the generated code does not carry. */
export function describedServices(): PackageDefinition {
  return loadFileDescriptorSetFromBuffer(descriptorSet, { keepCase: true });
}
