import { createHash } from 'node:crypto';
import { faultNames } from './faults';
import { find } from './find';
import { plants } from './plants';
import { type Outcome, simulate } from './simulation';

/** The history of a seed, as a number. */
async function historyOf(seed: number): Promise<string> {
  const hash = createHash('sha256');
  await simulate({ seed, trace: (line) => hash.update(line) });
  return hash.digest('hex');
}

/** What there was when the worlds were kept. */
const faults = faultNames.filter((name) => name !== 'join');

const mistakes = ({ seed, violations }: Outcome) => ({ seed, violations });

describe('a simulated cluster', () => {
  it('keeps every law, whatever goes wrong', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      expect(mistakes(await simulate({ seed }))).toEqual({ seed, violations: [] });
    }
  }, 300_000);

  it.each<readonly [seed: number, cluster: 'etcd' | 'static', what: string]>([
    [112, 'etcd', 'a session-node says how far it is while the key waits'],
    [228, 'etcd', 'a presence-node is asked by a guild-node that is ahead of it'],
    [280, 'etcd', 'a node whose sessions have ended is told of classes, and forgets them'],
    [618, 'etcd', 'a guild lets a session in while that moves'],
  ])(
    'keeps them in world %i on %s, in which %s',
    async (seed, cluster) => {
      const { violations } = await simulate({ seed, cluster, faults });
      expect(violations).toEqual([]);
    },
    120_000,
  );

  it('does something worth watching', async () => {
    const { published, dispatches, sessions } = await simulate({ seed: 2 });
    expect(published).toBeGreaterThan(200);
    expect(dispatches).toBeGreaterThan(2 * published);
    expect(sessions).toBeGreaterThan(5);
  });

  it('has one history for a seed, and others for others', async () => {
    const [one, again, other] = [await historyOf(3), await historyOf(3), await historyOf(4)];
    expect(again).toBe(one);
    expect(other).not.toBe(one);
  }, 120_000);
});

describe('the simulator', () => {
  it.each(plants.map((plant) => [plant.name, plant] as const))(
    'finds %s within 1,000 seeds',
    async (_name, plant) => {
      const found = await find(plant, 1000);
      if (found === undefined) throw new Error('no seed shows it');
      const { seed } = found;
      expect(mistakes(await simulate({ seed, cluster: plant.source }))).toEqual({ seed, violations: [] });
    },
    200_000,
  );
});
