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

/** Into how many parts the keys of a node are divided: what is wanted waits behind the answer about one of them at most. */
const parts = 64;
/** Keys that things wait for, in one question. */
const keysAtOnce = 256;
/** Until a question is asked again, and between two parts at most, in milliseconds. */
const askAgain = 1000;
const longestRest = 500;
/** How much longer than a part took others have the machine. */
const restRatio = 3;

/**
 * What a session-node has said of the keys that a new owner asks it for. It is asked for one part after the other, so that
 * its answer about a key that something waits for is not behind its answer about all others.
 */
export class KeysTold {
  private readonly keys = new Set<string>();
  private wanted: string[] = [];
  private nextPart = 0;
  /** What it was asked and has not answered, and when. */
  private open: { readonly part: KeyPart; askedAt: number } | undefined;

  /**
   * @param incarnation of the session-node; '' when the list does not say
   * @param restsUntil when the next part may be asked for, monotonic ms
   */
  constructor(
    readonly incarnation: string,
    public restsUntil: number,
  ) {}

  get all(): boolean {
    return this.nextPart === parts;
  }

  has(key: string): boolean {
    return this.keys.has(key) || murmur3(key, seed) % parts < this.nextPart;
  }

  /** Something waits for the key. */
  want(key: string): void {
    if (!this.has(key)) this.wanted.push(key);
  }

  /** What it is to be asked now, if anything. */
  ask(now: number): KeyPart | undefined {
    const { open } = this;
    if (open !== undefined && now < open.askedAt + askAgain) return undefined;
    const part = open?.part ?? this.next(now);
    this.open = part && { part, askedAt: now };
    return part;
  }

  /** When there is something to ask. */
  get nextAsk(): number {
    return this.open === undefined ? this.restsUntil : this.open.askedAt + askAgain;
  }

  /**
   * @param part undefined: it has spoken of all keys
   * @param rest how long others go before the next part at least, in milliseconds; 0: nobody waits for them
   * @returns whether that was the answer
   */
  told(part: KeyPart | undefined, now: number, rest: number): boolean {
    const { open } = this;
    if (part === undefined) this.nextPart = parts;
    else if (open === undefined || !isSame(part, open.part)) return false;
    else if (part.keys.length > 0) for (const key of part.keys) this.keys.add(key);
    else {
      this.nextPart++;
      const took = now - open.askedAt;
      this.restsUntil = rest > 0 ? now + Math.min(Math.max(rest, restRatio * took), longestRest) : now;
    }
    this.open = undefined;
    return true;
  }

  private next(now: number): KeyPart | undefined {
    const keys: string[] = [];
    let at = 0;
    for (; at < this.wanted.length && keys.length < keysAtOnce; at++) {
      const key = this.wanted[at] as string;
      if (!this.has(key)) keys.push(key);
    }
    this.wanted = this.wanted.slice(at);
    if (keys.length === 0 && now < this.restsUntil) return undefined;
    return { keys, number: this.nextPart, count: parts };
  }
}

function isSame(one: KeyPart, other: KeyPart): boolean {
  return one.number === other.number && one.count === other.count && one.keys.join() === other.keys.join();
}
