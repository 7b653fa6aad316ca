import { murmur3 } from '@derailed/shared/hash-ring';

/** Some keys of a role; field by field derailed.link.v1.KeyPart. */
export interface KeyPart {
  /** Not empty: these. */
  readonly keys: readonly string[];
  /** Else all keys whose hash modulo `count` is this number. */
  readonly number: number;
  readonly count: number;
}

/** The ring has the hash of seed 0: its keys lie close together there. */
const seed = 1;

/** Whether a key is among them. @param part undefined: all keys */
export function keyTest(part: KeyPart | undefined): (key: string) => boolean {
  if (part === undefined) return () => true;
  const { keys, number, count } = part;
  if (keys.length === 0) return (key) => count > 0 && murmur3(key, seed) % count === number;
  const these = new Set(keys);
  return (key) => these.has(key);
}

/** Into how many parts the keys of a node are divided. */
const parts = 16;
/** Keys that things wait for, in one question. */
const keysAtOnce = 256;

/**
 * What a session-node has said of the keys that a new owner asks it for. It is asked for one part after the other, so that
 * its answer about a key that something waits for is not behind its answer about all others.
 */
export class KeysTold {
  private readonly keys = new Set<string>();
  private nextPart = 0;
  private asked: KeyPart | undefined;

  /** @param incarnation of the session-node; '' when the list does not say */
  constructor(readonly incarnation: string) {}

  get all(): boolean {
    return this.nextPart === parts;
  }

  has(key: string): boolean {
    return this.keys.has(key) || murmur3(key, seed) % parts < this.nextPart;
  }

  /** What it was asked and has not answered. */
  get open(): KeyPart | undefined {
    return this.asked;
  }

  /**
   * What it is to be asked next.
   * @param wanted keys that something waits for
   * @param rests no other keys are asked for now. @returns undefined: so nothing is
   */
  ask(wanted: Iterable<string>, rests: boolean): KeyPart | undefined {
    const keys: string[] = [];
    for (const key of wanted) {
      if (this.has(key)) continue;
      keys.push(key);
      if (keys.length === keysAtOnce) break;
    }
    if (keys.length === 0 && rests) return undefined;
    return (this.asked = { keys, number: this.nextPart, count: parts });
  }

  /** @param part undefined: it has spoken of all keys. @returns whether that was the answer */
  told(part: KeyPart | undefined): boolean {
    const { asked } = this;
    if (part === undefined) this.nextPart = parts;
    else if (asked === undefined || !isSame(part, asked)) return false;
    else if (asked.keys.length === 0) this.nextPart++;
    else for (const key of asked.keys) this.keys.add(key);
    this.asked = undefined;
    return true;
  }
}

function isSame(one: KeyPart, other: KeyPart): boolean {
  return one.number === other.number && one.count === other.count && one.keys.join() === other.keys.join();
}
