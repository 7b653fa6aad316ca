export { bundle, type Bundle } from './bundle';
