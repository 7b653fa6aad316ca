export { type SessionConfig, sessionSettings } from './settings';
export { SessionNodeModule } from './session-node.module';
