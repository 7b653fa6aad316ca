import { setTimeout as sleepTimer } from 'node:timers';
import { type Clock, seededRng } from '@derailed/shared/kernel';
import { type TcpProxy, VirtualClock, freePort, startTcpProxy } from '@derailed/testing';
import { Registry } from 'prom-client';
import type { MeshConfig } from './config';
import { createMesh } from './create-mesh';
import { InProcessNetwork } from './local/network';
import type { Mesh } from './mesh';
import type { MeshWorld, WorldOptions } from './mesh-world.fixture';
import type { NodeMesh } from './node-mesh';

export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, task) => {
    const timer = sleepTimer(task, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};

export const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

export function networkWorld({ smallQueues = false }: WorldOptions = {}): MeshWorld {
  const clock = new VirtualClock();
  const graceMs = 5000;
  const network = new InProcessNetwork({
    clock,
    rng: seededRng(1),
    graceMs,
    queue: smallQueues ? 100 : 65_536,
  });
  const names = new Set<string>();
  const eachPair = (act: (a: string, b: string) => void): void => {
    for (const a of names) for (const b of names) if (a < b) act(a, b);
  };
  return {
    graceMs,
    start: async (name, register) => {
      names.add(name);
      const mesh = network.join(name);
      register(mesh);
      await mesh.listen();
      return mesh;
    },
    kill: async (name) => network.leave(name),
    cut: () => eachPair((a, b) => network.cut(a, b)),
    heal: () => eachPair((a, b) => network.heal(a, b)),
    pass: (ms) => clock.advance(ms),
    close: async () => {
      for (const name of names) network.leave(name);
    },
  };
}

export const linkDefaults: MeshConfig = {
  listen: { host: '127.0.0.1', port: 0 },
  advertise: undefined,
  secret: undefined,
  tlsCert: undefined,
  tlsKey: undefined,
  tlsCa: undefined,
  ca: undefined,
  grace: 5000,
  forget: 600_000,
  window: 4 * 1024 * 1024,
  queue: 64 * 1024 * 1024,
  localQueue: 65_536,
  message: 32 * 1024 * 1024,
  chunk: 64 * 1024,
  calls: 16_384,
  peers: 1024,
};

interface GrpcNode {
  /** What others dial: a cut breaks its connections, and what is in them is lost. */
  readonly proxy: TcpProxy;
  readonly port: number;
  mesh: NodeMesh | undefined;
  starts: number;
}

/** Where nobody listens. */
const nowhere = '127.0.0.1:1';

export function grpcWorld({ smallQueues = false }: WorldOptions = {}): MeshWorld {
  const graceMs = 1500;
  const nodes = new Map<string, GrpcNode>();
  const limits = smallQueues ? { window: 32 * 1024, queue: 64 * 1024, chunk: 16 * 1024 } : {};
  const place = async (name: string): Promise<GrpcNode> => {
    const port = await freePort();
    const node = { proxy: await startTcpProxy(`127.0.0.1:${port}`), port, mesh: undefined, starts: 0 };
    nodes.set(name, node);
    return node;
  };
  return {
    graceMs,
    start: async (name, register): Promise<Mesh> => {
      const node = nodes.get(name) ?? (await place(name));
      await node.mesh?.close();
      const mesh = createMesh({
        config: {
          ...linkDefaults,
          ...limits,
          grace: graceMs,
          listen: { host: '127.0.0.1', port: node.port },
          advertise: node.proxy.address,
        },
        others: true,
        clock: realClock,
        rng: seededRng(node.port * 100 + node.starts++),
        logger: quiet,
        metrics: new Registry(),
      });
      node.mesh = mesh;
      register(mesh);
      await mesh.listen();
      return mesh;
    },
    kill: async (name) => {
      await nodes.get(name)?.mesh?.close();
    },
    cut: () => {
      for (const { proxy } of nodes.values()) {
        proxy.retarget(nowhere);
        proxy.cut();
      }
    },
    heal: () => {
      for (const { proxy, port } of nodes.values()) proxy.retarget(`127.0.0.1:${port}`);
    },
    pass: () => undefined,
    close: async () => {
      for (const { mesh, proxy } of nodes.values()) {
        await mesh?.close();
        await proxy.close();
      }
    },
  };
}
