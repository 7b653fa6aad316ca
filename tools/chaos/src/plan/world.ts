import type { Rng } from '@derailed/shared/kernel';

/** A guild with a channel that all its members see, and one that only some of them see. */
export interface WorldGuild {
  readonly id: string;
  readonly openChannel: string;
  readonly closedChannel: string;
  /** Numbers of the clients that are members. */
  readonly members: readonly number[];
  /** Those of them who see the closed channel. */
  readonly initiates: ReadonlySet<number>;
}

/** Who there is, and who may see what. Clients and guilds have numbers from 0. */
export interface World {
  /** User ids, by number of the client. */
  readonly users: readonly string[];
  /** A user without a client, who is in every guild: owners see everything, so no client is one. */
  readonly owner: string;
  readonly guilds: readonly WorldGuild[];
}

const firstUser = 100_000_000_000_000_000n;
const firstGuild = 200_000_000_000_000_000n;
const firstChannel = 400_000_000_000_000_000n;
/** Ids of a platform are made over years: neighbours on no ring. */
const step = 4_194_304_003n;

export function createWorld(
  { clients, guilds, guildsEach }: { clients: number; guilds: number; guildsEach: number },
  rng: Rng,
): World {
  const members = Array.from({ length: guilds }, (): number[] => []);
  const initiates = Array.from({ length: guilds }, () => new Set<number>());
  for (let client = 0; client < clients; client++) {
    const chosen = new Set<number>();
    while (chosen.size < guildsEach) chosen.add(Math.floor(rng.next() * guilds));
    for (const guild of chosen) {
      members[guild]?.push(client);
      if (rng.next() < 0.5) initiates[guild]?.add(client);
    }
  }
  const id = (first: bigint, number: number): string => String(first + BigInt(number) * step);
  return {
    users: Array.from({ length: clients }, (_, client) => id(firstUser, client)),
    owner: id(firstUser, clients),
    guilds: Array.from({ length: guilds }, (_, guild) => ({
      id: id(firstGuild, guild),
      openChannel: id(firstChannel, guild * 2),
      closedChannel: id(firstChannel, guild * 2 + 1),
      members: members[guild] ?? [],
      initiates: initiates[guild] ?? new Set(),
    })),
  };
}
