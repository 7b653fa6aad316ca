export * from './event';
export * from './publish-order';
