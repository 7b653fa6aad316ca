/** Injection token of the SessionConfig that forRoot() was given. */
export const SESSION_CONFIG = Symbol('SESSION_CONFIG');
