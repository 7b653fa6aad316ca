export * from './guild-steps';
export * from './naive-guild';
export * from './naive-permissions';
export * from './naive-stream';
