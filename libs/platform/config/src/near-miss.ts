/** Short names are near to too much. */
const shortest = 8;
const mostEdits = 2;

/** The known name that `name` was probably meant to be: one or two letters off, or in the wrong case. */
export function nearMiss(name: string, known: ReadonlySet<string>): string | undefined {
  const upper = name.toUpperCase();
  if (upper.length < shortest || known.has(name)) return undefined;
  for (const candidate of known) {
    if (candidate.length >= shortest && editsBetween(upper, candidate) <= mostEdits) return candidate;
  }
  return undefined;
}

/** Levenshtein distance, as far as it matters here: anything over the limit is answered with more than it. */
function editsBetween(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > mostEdits) return mostEdits + 1;
  let above = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const substitution = above[column - 1]! + (one[row - 1] === other[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, above[column]! + 1, current[column - 1]! + 1));
    }
    above = current;
  }
  return above[other.length]!;
}
