import { parseArgs } from 'node:util';

/** What a bench is told on its command line. */
export interface Options {
  /** Seconds of load in each round. */
  readonly seconds: number;
  /** Rounds of each server; the figures are medians. */
  readonly rounds: number;
  /** Sessions in the guild that events are published to. */
  readonly sessions: number;
  /** Sessions whose memory is measured. */
  readonly idle: number;
  /** How often a node joins and leaves. */
  readonly moves: number;
  /** The directory for CPU profiles of the gateway under fan-out. */
  readonly profile: string | undefined;
}

export const usage = `Usage: npm run bench [-- NAME...] [-- OPTION...]

  --seconds N    seconds of load in each round (3)
  --rounds N     rounds of each server; the figures are medians (5)
  --sessions N   sessions in the guild that events are published to (1000)
  --idle N       sessions whose memory is measured (3000)
  --moves N      how often a node joins and leaves (20)
  --profile DIR  write CPU profiles of the gateway under fan-out there
`;

/** @throws Error for an unknown flag or a number that is none */
export function parseOptions(args: readonly string[]): {
  names: readonly string[];
  options: Options;
  help: boolean;
} {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: text,
      rounds: text,
      sessions: text,
      idle: text,
      moves: text,
      profile: text,
      help: { type: 'boolean' },
    },
  });
  const number = (name: 'seconds' | 'rounds' | 'sessions' | 'idle' | 'moves', otherwise: number): number => {
    const value = values[name] === undefined ? otherwise : Number(values[name]);
    if (!(value > 0)) throw new Error(`--${name} must be a number above 0.`);
    return value;
  };
  return {
    names: positionals,
    help: values.help ?? false,
    options: {
      seconds: number('seconds', 3),
      rounds: number('rounds', 5),
      sessions: number('sessions', 1000),
      idle: number('idle', 3000),
      moves: number('moves', 20),
      profile: values.profile,
    },
  };
}
