export * from './clock';
export * from './errors';
export * from './rng';
export * from './snowflake';
export * from './sparse-map';
export * from './wakes';
