import { connectionLines } from './connection-lines';
import { contentLines } from './content-lines';
import { sessionLines } from './session-lines';

/**
 * The client contract line by line, each under a key that tests name. A check fails for a line without a test; the
 * table of both is docs/reference/acceptance.md.
 */
export const contractLines = { ...connectionLines, ...sessionLines, ...contentLines } as const;

export type ContractLine = keyof typeof contractLines;
