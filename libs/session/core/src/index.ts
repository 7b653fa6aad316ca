export type { Effect, MemberRead } from './effects';
export {
  type Counts,
  type MoveLimits,
  type OwnerRole,
  type Placement,
  type SessionLimits,
  defaultSessionLimits,
} from './kit';
export type * from './messages';
export type * from './move-messages';
export type { Readiness } from './readiness';
export type { Figures } from './figures';
export { SessionNode, type SessionNodeOptions } from './session-node';
