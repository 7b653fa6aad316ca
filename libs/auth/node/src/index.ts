export { AuthServiceModule, authApp, authMicroserviceOptions, createTokenSigner } from './auth-service';
export { type AuthServiceConfig, authServiceSettings } from './settings';
export { TokenSigner } from './token-signer';
