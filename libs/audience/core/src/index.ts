export * from './audience';
export * from './event';
export * from './event-log';
export * from './limits';
export * from './outcome';
export * from './pulse';
export * from './recent-ids';
export * from './shortfalls';
