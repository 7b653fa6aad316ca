import { VirtualClock } from '@derailed/testing';
import { Wakes } from './index';

describe('Wakes', () => {
  it('keeps the earlier of two times, and one timer a key', () => {
    const clock = new VirtualClock();
    const woken: string[] = [];
    const wakes = new Wakes<string>(clock, (key) => woken.push(`${key} at ${clock.monotonic()}`));
    wakes.plan('a', 500);
    wakes.plan('a', 900);
    wakes.plan('b', 900);
    wakes.plan('b', 700);
    wakes.plan('c', undefined);
    expect(clock.pending).toBe(2);
    clock.advance(1000);
    expect(woken).toEqual(['a at 500', 'b at 700']);
  });

  it('wakes at once for a time that has passed, and not at all when cancelled', () => {
    const clock = new VirtualClock();
    const woken: string[] = [];
    const wakes = new Wakes<string>(clock, (key) => woken.push(key));
    clock.advance(1000);
    wakes.plan('late', 500);
    wakes.plan('cancelled', 500);
    wakes.cancel('cancelled');
    clock.advance(0);
    expect([woken, wakes.size]).toEqual([['late'], 0]);
  });

  it('wakes early rather than never for a time beyond what timers of the system can wait', () => {
    const clock = new VirtualClock();
    const times: number[] = [];
    const wakes = new Wakes<string>(clock, (key) => {
      times.push(clock.monotonic());
      wakes.plan(key, 3_000_000_000);
    });
    wakes.plan('far', 3_000_000_000);
    clock.advance(2_999_999_999);
    expect(times).toEqual([2_147_483_647]);
  });
});
