export * from './app-process';
export * from './bare-root';
export * from './certificates';
export * from './cluster-process';
export * from './free-port';
export * from './postgres';
export * from './tcp-proxy';
export * from './virtual-clock';
