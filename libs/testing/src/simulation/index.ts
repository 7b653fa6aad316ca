export * from './virtual-loop';
export * from './virtual-network';
export * from './virtual-transport';
