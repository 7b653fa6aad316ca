export { PresenceNodeModule } from './presence-node.module';
export { type PresenceConfig, presenceSettings } from './settings';
