export * from './audience';
export * from './event';
export * from './event-log';
export * from './recent-ids';
