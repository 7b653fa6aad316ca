import { Unreachable } from '@derailed/platform/mesh';
import { CallError, Code, unavailable } from '@derailed/shared/kernel';
import { VirtualClock } from '@derailed/testing';
import { Lanes } from './lanes';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const gone = new Unreachable('a is gone');
const notMine = new CallError(Code.ABORTED, 'not mine');

function start({ mayMove = true } = {}) {
  const clock = new VirtualClock();
  /** By key; `a` owns the others. */
  const owners: Record<string, string> = {};
  const lease = { isHeld: true };
  const lanes = new Lanes(
    clock,
    (key) => owners[key] ?? 'a',
    () => mayMove,
    () => lease.isHeld,
  );
  /** What was sent and has no answer, in order. */
  const sent: { name: string; answer(): void; fail(error: unknown): void }[] = [];
  const outcomes: string[] = [];
  const call = (keys: string, name: string, within = 30_000): void => {
    const split = keys.split(' ');
    void lanes
      .call(
        split,
        within,
        (owner, theirs, _, restarts) =>
          new Promise<void>((answer, fail) => {
            const part = split.length === 1 ? '' : ` ${theirs.join('+')}`;
            sent.push({ name: `${name}${part} to ${owner}${restarts ? ' again' : ''}`, answer, fail });
          }),
      )
      .then((all) => {
        for (const outcome of all) {
          const error = outcome.status === 'rejected' ? (outcome.reason as CallError) : undefined;
          outcomes.push(error === undefined ? `${name} ok` : `${name} ${error.code} ${error.message}`);
        }
      });
  };
  const take = (name: string) => {
    const at = sent.findIndex((each) => each.name.startsWith(name));
    return sent.splice(at, 1)[0]!;
  };
  const names = () => sent.map(({ name }) => name);
  return { clock, owners, lease, lanes, names, outcomes, call, take };
}

describe('calls to the owner of a key', () => {
  it('go again in their order when the owner is gone, and what came since behind them', async () => {
    const { clock, owners, lanes, names, outcomes, call, take } = start();
    for (const name of ['1', '2', '3']) call('g', name);
    take('2').fail(gone);
    await settled();
    call('g', '4');
    take('1').answer();
    await settled();
    clock.advance(1000);
    // The third is still on its way: nothing may overtake it.
    expect(names()).toEqual(['3 to a']);
    owners['g'] = 'b';
    take('3').fail(gone);
    await settled();
    clock.advance(50);
    expect(names()).toEqual(['2 to b again']);
    take('2').answer();
    await settled();
    expect(names()).toEqual(['3 to b', '4 to b']);
    for (const name of ['3', '4']) take(name).answer();
    await settled();
    expect(outcomes).toEqual(['1 ok', '2 ok', '3 ok', '4 ok']);
    expect(lanes.size).toBe(0);
  });

  it('wait while this node may be off the list, and are given up if that lasts', async () => {
    const { clock, lease, names, outcomes, call, take } = start();
    call('g', '1', 1000);
    lease.isHeld = false;
    take('1').fail(gone);
    call('g', '2', 5000);
    call('h', '3', 100);
    for (let ms = 0; ms < 1200; ms += 50) {
      await settled();
      clock.advance(50);
    }
    expect(names()).toEqual([]);
    // What was behind the first goes down with it: whoever makes that again wants it behind it still.
    expect(outcomes).toEqual(
      ['3', '1', '2'].map((name) => `${name} 14 this node may be off the member list`),
    );
    lease.isHeld = true;
    call('g', '4');
    expect(names()).toEqual(['4 to a']);
  });

  it('wait for what is on its way to the owner before', async () => {
    const { clock, owners, names, call, take } = start();
    call('g', '1');
    owners['g'] = 'b';
    call('g', '2');
    expect(names()).toEqual(['1 to a']);
    take('1').fail(notMine);
    await settled();
    clock.advance(50);
    expect(names()).toEqual(['1 to b again']);
    take('1').answer();
    await settled();
    expect(names()).toEqual(['2 to b']);
  });

  it('are not overtaken by what an owner takes that has just refused the first: it did not know that it is the owner', async () => {
    const { clock, owners, names, outcomes, call, take } = start();
    for (const name of ['1', '2']) call('g', name);
    for (const name of ['1', '2']) take(name).fail(gone);
    await settled();
    owners['g'] = 'b';
    clock.advance(50);
    call('g', '3');
    expect(names()).toEqual(['1 to b again']);
    take('1').fail(notMine);
    await settled();
    expect(names()).toEqual([]);
    clock.advance(50);
    expect(names()).toEqual(['1 to b again']);
    take('1').fail(unavailable('no data'));
    await settled();
    expect(names()).toEqual(['2 to b', '3 to b']);
    for (const name of ['2', '3']) take(name).answer();
    await settled();
    expect(outcomes).toEqual([`1 ${Code.UNAVAILABLE} no data`, '2 ok', '3 ok']);
  });

  it('of several keys are one to each owner, and keep the order of each key when one of them moves', async () => {
    const { clock, owners, lanes, names, outcomes, call, take } = start();
    owners['w'] = 'b';
    call('u v w', '1');
    expect(names()).toEqual(['1 u+v to a', '1 w to b']);
    owners['v'] = 'b';
    take('1 u+v').fail(notMine);
    await settled();
    call('v w', '2');
    // It goes where nothing is before it, and waits where something is.
    expect(names()).toEqual(['1 w to b', '2 w to b']);
    clock.advance(50);
    expect(names().slice(2).sort()).toEqual(['1 u to a again', '1 v to b again']);
    take('1 v').answer();
    await settled();
    expect(names()).toContain('2 v to b');
    while (names().length > 0) take('').answer();
    await settled();
    expect(outcomes).toEqual(['1 ok', '1 ok', '1 ok', '2 ok', '2 ok']);
    expect(lanes.size).toBe(0);
  });

  it('of one key do not wait for those of another', async () => {
    const { names, call, take } = start();
    call('g', '1');
    take('1').fail(notMine);
    await settled();
    call('h', '2');
    expect(names()).toEqual(['2 to a']);
  });

  it('are UNAVAILABLE when no owner was found in time', async () => {
    const { clock, outcomes, call, take } = start();
    call('g', '1', 100);
    for (let attempt = 0; attempt < 3; attempt++) {
      take('1').fail(notMine);
      await settled();
      clock.advance(50);
    }
    await settled();
    expect(outcomes).toEqual([`1 ${Code.UNAVAILABLE} not mine`]);
  });

  it('take those behind them along when their time is over: whoever makes them again wants them first', async () => {
    const { clock, lanes, names, outcomes, call, take } = start();
    call('g', '1', 12);
    call('g', '2');
    call('g', '3');
    for (const name of ['1', '2', '3']) take(name).fail(notMine);
    await settled();
    clock.advance(5);
    take('1').fail(notMine);
    await settled();
    clock.advance(10);
    await settled();
    expect(names()).toEqual([]);
    expect(outcomes).toEqual(['1', '2', '3'].map((name) => `${name} ${Code.UNAVAILABLE} not mine`));
    expect(lanes.size).toBe(0);
  });

  it('are not tried again behind one that got no answer in time', async () => {
    const { clock, lanes, names, outcomes, call, take } = start();
    for (const name of ['1', '2', '3']) call('g', name);
    take('2').fail(gone);
    take('1').fail(new CallError(Code.DEADLINE_EXCEEDED, 'late'));
    await settled();
    // It may be where the first one may be too, and in its place behind it.
    take('3').answer();
    await settled();
    clock.advance(50);
    await settled();
    expect(names()).toEqual([]);
    expect(outcomes).toEqual([`1 ${Code.DEADLINE_EXCEEDED} late`, '3 ok', `2 ${Code.UNAVAILABLE} a is gone`]);
    expect(lanes.size).toBe(0);
  });

  it.each([
    ['what an owner answers', true, unavailable('no data')],
    ['that a node is gone whose keys wait for it', false, gone],
  ])('tell at once %s', async (_, mayMove, error) => {
    const { outcomes, call, take } = start({ mayMove });
    call('g', '1');
    take('1').fail(error);
    await settled();
    expect(outcomes).toEqual([`1 ${Code.UNAVAILABLE} ${error.message}`]);
  });
});
