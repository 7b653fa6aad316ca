export * from './setting';
export * from './load';
export * from './tls';
