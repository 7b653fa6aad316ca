export { kindOf, summarise, testKinds, type Counts, type TestKind } from './summary';
