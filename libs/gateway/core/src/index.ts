export * from './admission';
export * from './connection';
export * from './effects';
export * from './fixed-window';
export * from './frame';
export * from './query';
export * from './settings';
