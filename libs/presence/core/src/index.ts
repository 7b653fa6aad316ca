export * from './guild-presence';
export * from './merge';
