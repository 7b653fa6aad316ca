export { AuthClient, type Authentication } from './auth-client';
export { AuthClientModule } from './auth-client.module';
export { type AuthClientConfig, authClientSettings } from './settings';
