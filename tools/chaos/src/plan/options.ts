import { parseArgs } from 'node:util';
import { type Action, type Target, actions, targets } from './faults';

/** What a run is told on its command line. */
export interface Options {
  /** Seconds of events; the faults lie within them. */
  readonly seconds: number;
  /** Decides who is in which guild, what is published where, and what fails when. */
  readonly seed: number;
  readonly clients: number;
  readonly guilds: number;
  /** Guilds that each client is in. */
  readonly guildsEach: number;
  /** Events a second, over all guilds. */
  readonly rate: number;
  /** Nodes of each role. */
  readonly nodes: number;
  /** Processes that the clients are spread over. */
  readonly workers: number;
  readonly actions: readonly Action[];
  readonly roles: readonly Target[];
}

export const usage = `Usage: npm run chaos [-- OPTION...]

  --seconds N       seconds of events, with faults among them (60)
  --seed S          decides guilds, events and faults (now, in seconds)
  --clients N       WebSocket clients (1000)
  --guilds N        guilds (200)
  --guilds-each N   guilds that each client is in (5)
  --rate N          events a second, over all guilds (500)
  --small           100 clients, 20 guilds, 50 events a second
  --nodes N         nodes of each role, two or more (2)
  --workers N       processes that the clients are spread over (1 for each 500)
  --actions A,B     which of ${actions.join(', ')} may happen; none for no faults (all)
  --roles A,B       which of ${targets.join(', ')} they happen to (all)
`;

const small = { clients: 100, guilds: 20, rate: 50 } as const;
const whole = { clients: 1000, guilds: 200, rate: 500 } as const;
const clientsPerWorker = 500;

/**
 * @param now seconds, the seed when none is given
 * @returns undefined when only the usage is asked for
 * @throws Error for an unknown flag, or for a value that is none
 */
export function parseOptions(args: readonly string[], now: number): Options | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: text,
      seed: text,
      clients: text,
      guilds: text,
      'guilds-each': text,
      rate: text,
      nodes: text,
      workers: text,
      actions: text,
      roles: text,
      small: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return undefined;
  const number = (
    name: 'seconds' | 'seed' | 'clients' | 'guilds' | 'guilds-each' | 'rate' | 'nodes' | 'workers',
    otherwise: number,
    least = 1,
  ): number => {
    const value = values[name] === undefined ? otherwise : Number(values[name]);
    if (!Number.isSafeInteger(value) || value < least)
      throw new Error(`--${name} must be a whole number, ${least} or more.`);
    return value;
  };
  const profile = values.small === true ? small : whole;
  const clients = number('clients', profile.clients);
  const guilds = number('guilds', profile.guilds);
  const guildsEach = number('guilds-each', 5);
  if (guildsEach > guilds) throw new Error('--guilds-each must be at most --guilds.');
  return {
    seconds: number('seconds', 60),
    seed: number('seed', now, 0),
    clients,
    guilds,
    guildsEach,
    rate: number('rate', profile.rate),
    nodes: number('nodes', 2, 2),
    workers: number('workers', Math.ceil(clients / clientsPerWorker)),
    actions: values.actions === 'none' ? [] : some('actions', values.actions, actions),
    roles: some('roles', values.roles, targets),
  };
}

function some<T extends string>(name: string, value: string | undefined, all: readonly T[]): readonly T[] {
  if (value === undefined) return all;
  return value.split(',').map((word) => {
    const found = all.find((known) => known === word);
    if (found === undefined) throw new Error(`--${name} knows ${all.join(', ')}, not ${word}.`);
    return found;
  });
}
