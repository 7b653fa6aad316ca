import {
  type MembershipConfig,
  type Role,
  clusterSettings,
  membershipSettings,
} from '@derailed/platform/cluster';
import { type MeshConfig, meshSettings } from '@derailed/platform/mesh';
import { adminSettings, logSettings } from '@derailed/platform/observability';

/** What every app has. */
export const baseSettings = { admin: adminSettings, log: logSettings };
export type BaseSettings = typeof baseSettings;

/** What an app of one role has: it takes part in the cluster, and there is nothing to choose. */
export const roleSettings = {
  ...baseSettings,
  cluster: membershipSettings,
  link: meshSettings,
};
export type RoleSettings = typeof roleSettings;

/** What an app has that is told its roles. */
export const composedSettings = { ...baseSettings, cluster: clusterSettings, link: meshSettings };

/** What is needed to reach the other nodes; `roles` is there where it is a setting. */
export interface LinkConfig {
  readonly cluster: MembershipConfig & { readonly roles?: readonly Role[] };
  readonly link: MeshConfig;
}
