import { Tables1763900000000 } from './1763900000000-tables';

/** In the order in which they run. */
export const migrations = [Tables1763900000000] as const;
