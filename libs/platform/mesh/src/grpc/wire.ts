/** The version of proto/derailed/link that this code speaks. It gets on with the one before, and the one after. */
export const contractVersion = 1;

/** Whether nodes of the two contract versions understand each other. */
export function compatible(theirs: number, ours = contractVersion): boolean {
  return Math.abs(theirs - ours) <= 1;
}

/** LINK_CHUNK is at most this. */
export const largestChunk = 512 * 1024;

/** A frame is one chunk, or a batch of less than one chunk's worth and one more envelope. */
export const largestFrame = 2 * largestChunk + 64 * 1024;

/** Long messages of one sender that may be on their way at once. */
export const openMessages = 64;

/** Bytes of a node's id or incarnation. */
export const longestName = 256;

/** Metadata key of CLUSTER_SECRET. */
export const secretKey = 'cluster-secret-bin';
