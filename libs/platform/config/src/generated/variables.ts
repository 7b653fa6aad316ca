/** Made by `npm run generate` from the settings of all apps. Do not edit. */
export const variables: ReadonlySet<string> = new Set<string>([]);

/** A variable that begins so and is not listed is a mistake worth stopping for. */
export const reservedPrefixes: readonly string[] = [];
