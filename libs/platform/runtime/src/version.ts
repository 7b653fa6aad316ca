import manifest from '../../../../package.json';

/** Of all apps: they are built and released together. */
export const version: string = manifest.version;
