import { CallError, Code, invalidArgument, unavailable } from '@derailed/shared/kernel';
import fc from 'fast-check';
import type { Target } from './event';
import { PublishOrder, type Ticket, isWorthARetry } from './publish-order';

const guild = (guildId: string): Target => ({ kind: 'guild', guildId, channelId: '', permissions: '' });
const users = (...userIds: string[]): Target => ({ kind: 'users', userIds });
const aborted = expect.objectContaining({ code: Code.ABORTED }) as unknown;

describe('after an event failed with a code that is worth a retry', () => {
  it('later ones to its target fail until it comes again', () => {
    const order = new PublishOrder();
    order.settle(order.admit('a', guild('1')), unavailable('gone'));
    expect(() => order.admit('b', guild('1'))).toThrow(/send a again/);
    expect(() => order.admit('c', guild('1'))).toThrow(/send a again/);
    const again = order.admit('a', guild('1'));
    expect(() => order.admit('b', guild('1'))).not.toThrow();
    expect(order.settle(again, undefined)).toBeUndefined();
  });

  it('those in flight behind it fail too, even when they arrived', () => {
    const order = new PublishOrder();
    const [a, b] = [order.admit('a', guild('1')), order.admit('b', guild('1'))];
    order.settle(a, unavailable('gone'));
    expect(order.settle(b, undefined)).toEqual(aborted);
  });

  it('those before it do not', () => {
    const order = new PublishOrder();
    const [a, b] = [order.admit('a', guild('1')), order.admit('b', guild('1'))];
    order.settle(b, unavailable('gone'));
    expect(order.settle(a, undefined)).toBeUndefined();
  });

  it('the first in order is the one to send again, not the first that was answered', () => {
    const order = new PublishOrder();
    const [a, b] = [order.admit('a', guild('1')), order.admit('b', guild('1'))];
    order.settle(b, unavailable('gone'));
    order.settle(a, unavailable('gone'));
    expect(() => order.admit('b', guild('1'))).toThrow(/send a again/);
  });

  it('other targets go on', () => {
    const order = new PublishOrder();
    order.settle(order.admit('a', guild('1')), unavailable('gone'));
    expect(order.settle(order.admit('b', guild('2')), undefined)).toBeUndefined();
    expect(order.settle(order.admit('c', users('1')), undefined)).toBeUndefined();
  });

  it('an event held back for one of its users holds back the others', () => {
    const order = new PublishOrder();
    order.settle(order.admit('a', users('1')), unavailable('gone'));
    expect(() => order.admit('b', users('1', '2'))).toThrow(/send a again/);
    expect(() => order.admit('c', users('2'))).toThrow(/send b again/);
    order.admit('a', users('1'));
    order.admit('b', users('1', '2'));
    expect(() => order.admit('c', users('2'))).not.toThrow();
    expect(order.held).toBe(0);
  });
});

it('a failure that no retry cures stands alone', () => {
  const order = new PublishOrder();
  const [a, b] = [order.admit('a', guild('1')), order.admit('b', guild('1'))];
  expect(order.settle(a, invalidArgument('data', 'bad'))).toEqual(
    expect.objectContaining({ code: Code.INVALID_ARGUMENT }),
  );
  expect(order.settle(b, undefined)).toBeUndefined();
  expect(order.held).toBe(0);
});

type Sent = { readonly id: string; readonly target: Target };
type Flight = { readonly sent: Sent; readonly ticket: Ticket };

/**
 * A publisher and owners around a PublishOrder. Owners take events in order. Now and then a link breaks: all that
 * is in flight to that owner fails at once, though some of it may have arrived. Answers take their time, so the
 * publisher sends more before it hears of a failure; then it waits for all answers of that target and starts
 * again from the first that failed.
 */
class World {
  readonly seen = new Map<string, string[]>();
  readonly acked = new Map<string, string[]>();
  private readonly order = new PublishOrder();
  private readonly links: readonly Flight[][] = [[], [], []];
  private readonly answers: (() => void)[] = [];
  /** What the publisher knows of what it has sent. */
  private readonly known = new Map<string, 'unanswered' | 'failed' | 'delivered'>();

  constructor(private readonly events: readonly Sent[]) {}

  get done(): boolean {
    return this.events.every(({ id }) => this.known.get(id) === 'delivered');
  }

  send(): void {
    const sent = this.next();
    if (!sent) return;
    this.known.set(sent.id, 'unanswered');
    try {
      const ticket = this.order.admit(sent.id, sent.target);
      this.linkOf(sent.target).push({ sent, ticket });
    } catch {
      this.answers.push(() => this.known.set(sent.id, 'failed'));
    }
  }

  deliver(link: number): void {
    const flight = this.links[link]?.shift();
    if (!flight) return;
    this.arrive(flight.sent);
    this.settle(flight, undefined);
  }

  break(link: number, arrived: number): void {
    const flights = this.links[link]?.splice(0) ?? [];
    for (const { sent } of flights.slice(0, arrived)) this.arrive(sent);
    for (const flight of flights) this.settle(flight, unavailable('the link broke'));
  }

  hear(): void {
    this.answers.shift()?.();
  }

  private next(): Sent | undefined {
    const targetsWith = (state: string): Set<string> =>
      new Set(
        this.events
          .filter(({ id }) => this.known.get(id) === state)
          .flatMap(({ target }) => targetsOf(target)),
      );
    const failed = targetsWith('failed');
    const unanswered = targetsWith('unanswered');
    const later = new Set<string>();
    for (const event of this.events) {
      const state = this.known.get(event.id);
      if (state === 'delivered' || state === 'unanswered') continue;
      const targets = targetsOf(event.target);
      const waits = targets.some((each) => later.has(each) || (failed.has(each) && unanswered.has(each)));
      if (!waits) return event;
      for (const each of targets) later.add(each);
    }
    return undefined;
  }

  private settle({ sent, ticket }: Flight, failure: CallError | undefined): void {
    const outcome = this.order.settle(ticket, failure);
    if (!outcome) for (const each of targetsOf(sent.target)) push(this.acked, each, sent.id);
    this.answers.push(() => this.known.set(sent.id, outcome ? 'failed' : 'delivered'));
  }

  private arrive({ id, target }: Sent): void {
    for (const each of targetsOf(target)) if (!this.seen.get(each)?.includes(id)) push(this.seen, each, id);
  }

  private linkOf(target: Target): Flight[] {
    return this.links[target.kind === 'users' ? 2 : Number(target.guildId) % 2] ?? [];
  }
}

function targetsOf(target: Target): readonly string[] {
  return target.kind === 'guild' ? [`g${target.guildId}`] : target.userIds.map((user) => `u${user}`);
}

function push(map: Map<string, string[]>, key: string, id: string): void {
  map.set(key, [...(map.get(key) ?? []), id]);
}

it('each target sees its events in order and once, and acks never skip one, however links break', () => {
  const target = fc.oneof(
    fc.constantFrom('1', '2', '3').map(guild),
    fc.uniqueArray(fc.constantFrom('1', '2', '3'), { minLength: 1 }).map((ids) => users(...ids)),
  );
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant({ kind: 'send' } as const) },
    { weight: 3, arbitrary: fc.constant({ kind: 'hear' } as const) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('deliver' as const), link: fc.nat(2) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('break' as const), link: fc.nat(2), arrived: fc.nat(4) }),
    },
  );
  fc.assert(
    fc.property(fc.array(target, { maxLength: 12 }), fc.array(step, { maxLength: 80 }), (targets, steps) => {
      const events = targets.map((each, at) => ({ id: `e${at}`, target: each }));
      const world = new World(events);
      const prefixes = (all: ReadonlyMap<string, string[]>): void => {
        for (const [key, ids] of all) {
          const published = events
            .filter((event) => targetsOf(event.target).includes(key))
            .map(({ id }) => id);
          expect(ids).toEqual(published.slice(0, ids.length));
        }
      };
      for (const each of steps) {
        if (each.kind === 'send') world.send();
        else if (each.kind === 'hear') world.hear();
        else if (each.kind === 'deliver') world.deliver(each.link);
        else world.break(each.link, each.arrived);
        prefixes(world.seen);
        prefixes(world.acked);
      }
      for (let turn = 0; turn < 200 && !world.done; turn++) {
        world.send();
        for (const link of [0, 1, 2]) world.deliver(link);
        world.hear();
      }
      expect(world.done).toBe(true);
      prefixes(world.seen);
    }),
    { numRuns: 1000 },
  );
});

it('what is worth a retry is what may go well the next time', () => {
  const names = Object.entries(Code)
    .filter(([, code]) => isWorthARetry(code))
    .map(([name]) => name);
  expect(names).toEqual(['CANCELLED', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'ABORTED', 'UNAVAILABLE']);
});
