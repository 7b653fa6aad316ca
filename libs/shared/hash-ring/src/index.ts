export * from './hash-ring';
export { murmur3 } from './murmur3';
