export * from './assembly';
export * from './command-line';
export * from './fence';
export * from './key-owner';
export * from './run';
export * from './settings';
export * from './system';
export * from './tokens';
