import type { Rng } from '@derailed/shared/kernel';
import type { VirtualLoop } from '@derailed/testing';
import type { MeshTap } from './tapped-mesh';

/** A bug, put between the nodes and what they stand on. */
export interface Plant {
  readonly name: string;
  /** Stands before the onlooker. */
  tap?(onlooker: MeshTap, loop: VirtualLoop, rng: Rng): MeshTap;
}
