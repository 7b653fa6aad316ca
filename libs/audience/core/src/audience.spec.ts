import * as fc from 'fast-check';
import { Audience, type AudienceEvent, type Draft, Kind, Pulse, type Settled } from './index';

const limits = {
  logEvents: 8,
  logBytes: 1000,
  recentIds: 16,
  ackTimeout: 2000,
  ackPatience: 10_000,
  witnessTimeout: 20_000,
};
const draft = (id: string, size = 1): Draft => ({
  event: { id, name: 'MESSAGE_CREATE', data: new Uint8Array(size), own: new Uint8Array(0), volatile: false },
});

/** What an audience has told its witnesses, who answer when the test says so. */
class Told {
  readonly words: [node: string, needs: number][] = [];

  behind(node: string, needs: number): void {
    this.words.push([node, needs]);
  }

  /** They know all that they were told so far. */
  hear<T>(audience: Audience<T>): Settled<T>[] {
    return this.words.splice(0).flatMap(([node, needs]) => audience.known(node, needs));
  }
}

const watched = () => {
  const told = new Told();
  const pulse = new Pulse();
  return { told, pulse, audience: new Audience<string>(Kind.guild, '1', told, limits, pulse) };
};
const guild = () => watched().audience;

describe('Audience', () => {
  it('settles a publish without subscribers at once, with no sessions', () => {
    expect(guild().publish(draft('a'), 'A', 0)).toMatchObject({
      nodes: [],
      settled: [{ ticket: 'A', sessions: 0 }],
    });
  });

  it('settles when every session-node has acked, and adds up their sessions', () => {
    const audience = guild();
    audience.subscribe('n1', 's1');
    audience.subscribe('n2', 's2');
    const { event, nodes, settled } = audience.publish(draft('a'), 'A', 0);
    expect([event?.index, nodes, settled]).toEqual([1, ['n1', 'n2'], []]);
    expect(audience.ack('n1', 1, 3, 1).settled).toEqual([]);
    expect(audience.ack('n2', 1, 4, 1).settled).toEqual([{ ticket: 'A', sessions: 7 }]);
  });

  it('does not wait for a node that joined after the publish', () => {
    const audience = guild();
    audience.subscribe('n1', 's1');
    audience.publish(draft('a'), 'A', 0);
    audience.subscribe('n2', 's2');
    expect(audience.ack('n1', 1, 1, 1).settled).toEqual([{ ticket: 'A', sessions: 1 }]);
  });

  it('gives a publish that comes again the outcome of the first, while it waits and afterwards', () => {
    const audience = guild();
    audience.subscribe('n1', 's1');
    audience.publish(draft('a'), 'A', 0);
    expect(audience.publish(draft('a'), 'again', 1)).toEqual({ event: undefined, nodes: [], settled: [] });
    expect(audience.ack('n1', 1, 5, 1).settled).toEqual([
      { ticket: 'A', sessions: 5 },
      { ticket: 'again', sessions: 5 },
    ]);
    expect(audience.publish(draft('a'), 'late', 2).settled).toEqual([{ ticket: 'late', sessions: 5 }]);
    expect(audience.index).toBe(1);
  });

  it('revokes a node that does not ack in time, goes on without it, and lets it catch up from the log', () => {
    const { audience, told } = watched();
    audience.subscribe('slow', 's1');
    audience.subscribe('fast', 's2');
    audience.publish(draft('a'), 'A', 0);
    audience.ack('fast', 1, 1, 1);
    expect(audience.nextWake()).toBe(2000);
    expect(audience.tick(1999)).toEqual({ revoked: [], failed: [] });
    expect(audience.tick(2000)).toEqual({ revoked: ['slow'], failed: [] });
    expect(told.hear(audience)).toEqual([{ ticket: 'A', sessions: 1 }]);
    expect(audience.publish(draft('b'), 'B', 2100).nodes).toEqual(['fast']);
    const { catchUp } = audience.ack('slow', 1, 1, 2150);
    expect([catchUp?.node, catchUp?.events?.map((event) => event.index)]).toEqual(['slow', [2]]);
    expect(audience.publish(draft('c'), 'C', 2200).nodes).toEqual(['slow', 'fast']);
  });

  it('waits for a node that acks other events meanwhile: it is slow, not away', () => {
    const { audience, pulse } = watched();
    audience.subscribe('slow', 's1');
    audience.publish(draft('a'), 'A', 0);
    pulse.beat('slow', 1500);
    expect(audience.tick(2000)).toEqual({ revoked: [], failed: [] });
    expect(audience.nextWake()).toBe(4000);
    expect(audience.ack('slow', 1, 1, 2100).settled).toEqual([{ ticket: 'A', sessions: 1 }]);
  });

  it('revokes it when it falls silent, or when others have been waited for long enough', () => {
    const silent = watched();
    silent.audience.subscribe('slow', 's1');
    silent.audience.publish(draft('a'), 'A', 0);
    silent.pulse.beat('slow', 1500);
    silent.audience.tick(2000);
    expect(silent.audience.tick(4000).revoked).toEqual(['slow']);

    const { audience, pulse } = watched();
    audience.subscribe('slow', 's1');
    audience.publish(draft('a'), 'A', 0);
    audience.publish(draft('b'), 'B', 5000);
    for (let now = 2000; now < 10_000; now += 2000) {
      pulse.beat('slow', now);
      expect(audience.tick(now).revoked).toEqual([]);
    }
    pulse.beat('slow', 10_000);
    expect(audience.tick(10_000).revoked).toEqual(['slow']);
  });

  it('tells a node that the log no longer reaches back', () => {
    const audience = guild();
    audience.subscribe('n1', 's1');
    audience.subscribe('n2', 's2');
    audience.revoke('n1');
    for (let at = 0; at < 9; at++) audience.publish(draft(`e${at}`), '', 0);
    expect(audience.sync('n1', 0).catchUp).toEqual({ node: 'n1', events: undefined });
    expect(audience.sessions).toBe(1);
  });

  it('bounds the log by bytes too', () => {
    const audience = guild();
    audience.subscribe('n1', 's1');
    audience.revoke('n1');
    audience.publish(draft('a', 600), '', 0);
    audience.publish(draft('b', 600), '', 0);
    expect(audience.sync('n1', 1).catchUp?.events?.map((event) => event.index)).toEqual([2]);
    audience.revoke('n1');
    expect(audience.sync('n1', 0).catchUp?.events).toBeUndefined();
  });

  it('calls nothing delivered that a revoked node lacks before somebody else knows', () => {
    const { audience, told } = watched();
    audience.subscribe('away', 's1');
    audience.subscribe('here', 's2');
    audience.publish(draft('a'), 'A', 0);
    audience.ack('away', 1, 1, 1);
    audience.ack('here', 1, 1, 1);
    audience.revoke('away');
    expect(told.words).toEqual([]);
    const { nodes } = audience.publish(draft('b'), 'B', 1);
    expect([nodes, told.words]).toEqual([['here'], [['away', 2]]]);
    expect(audience.ack('here', 2, 1, 1).settled).toEqual([]);
    expect(told.hear(audience)).toEqual([{ ticket: 'B', sessions: 1 }]);
    audience.publish(draft('c'), 'C', 2);
    expect(audience.ack('here', 3, 1, 1).settled).toEqual([{ ticket: 'C', sessions: 1 }]);
    expect(told.words).toEqual([]);
  });

  it('names a node that catches up as behind until it has all, and waits for it again from there', () => {
    const { audience, told } = watched();
    audience.subscribe('n1', 's1');
    audience.revoke('n1');
    for (const id of ['a', 'b', 'c']) audience.publish(draft(id), id, 0);
    expect(told.words).toEqual([['n1', 1]]);
    expect(told.hear(audience).map(({ ticket }) => ticket)).toEqual(['a', 'b', 'c']);
    expect(audience.sync('n1', 0).catchUp?.events).toHaveLength(3);
    expect(told.words).toEqual([['n1', 3]]);
    audience.publish(draft('d'), 'D', 1);
    expect(audience.ack('n1', 2, 1, 1).settled).toEqual([]);
    expect(told.words).toEqual([['n1', 3]]);
    expect(audience.ack('n1', 3, 1, 1).settled).toEqual([]);
    expect(told.words).toEqual([
      ['n1', 3],
      ['n1', 0],
    ]);
    expect(audience.ack('n1', 4, 1, 1).settled).toEqual([{ ticket: 'D', sessions: 1 }]);
  });

  it('takes back that a node is behind that lacks nothing: it was only late', () => {
    const { audience, told } = watched();
    audience.subscribe('n1', 's1');
    audience.publish(draft('a'), 'A', 0);
    audience.tick(2000);
    expect(told.words).toEqual([['n1', 2]]);
    told.hear(audience);
    expect(audience.ack('n1', 1, 1, 1).catchUp?.events).toEqual([]);
    expect(told.words).toEqual([['n1', 0]]);
  });

  it('lags while a node is behind, or does not seem to be there, until it has all', () => {
    const { audience, told } = watched();
    audience.subscribe('n1', 's1');
    audience.publish(draft('a'), 'A', 0);
    // Acks take a moment; only half of the time limit for them is one too many.
    expect([audience.lags(999), audience.lags(1000)]).toEqual([false, true]);
    audience.tick(2000);
    told.hear(audience);
    audience.publish(draft('b'), 'B', 2000);
    expect([audience.busy, audience.lags(2000)]).toEqual([false, true]);
    audience.ack('n1', 1, 1, 1);
    expect(audience.lags(2001)).toBe(true);
    audience.ack('n1', 2, 1, 1);
    expect(audience.lags(60_000)).toBe(false);
    audience.away('n1');
    expect(audience.lags(60_000)).toBe(true);
    audience.removeNode('n1');
    expect(audience.lags(60_000)).toBe(false);
  });

  it('waits for a node that comes back before anybody knew that it was behind', () => {
    const { audience, told } = watched();
    audience.subscribe('n1', 's1');
    audience.publish(draft('a'), 'A', 0);
    audience.tick(2000);
    expect(audience.sync('n1', 0).settled).toEqual([]);
    expect(told.hear(audience)).toEqual([]);
    expect(audience.ack('n1', 1, 1, 1).settled).toEqual([{ ticket: 'A', sessions: 1 }]);
  });

  it('fails what nobody can be told of, and takes it as new when it is published again', () => {
    const { audience } = watched();
    audience.subscribe('n1', 's1');
    audience.publish(draft('a'), 'A', 0);
    audience.publish(draft('a'), 'again', 1);
    let failed: readonly string[] = [];
    let now = 0;
    while (failed.length === 0 && now < 60_000) {
      now = audience.nextWake() ?? Number.POSITIVE_INFINITY;
      ({ failed } = audience.tick(now));
    }
    expect([failed, now, audience.busy]).toEqual([['A', 'again'], 20_000, false]);
    expect(audience.publish(draft('a'), 'B', now).event?.index).toBe(2);
  });

  it('re-sends after a refused send, once', () => {
    const { audience, told } = watched();
    audience.subscribe('n1', 's1');
    audience.publish(draft('a'), 'A', 0);
    audience.publish(draft('b'), 'B', 0);
    audience.refused('n1', 2);
    expect(told.hear(audience)).toEqual([
      { ticket: 'A', sessions: 0 },
      { ticket: 'B', sessions: 0 },
    ]);
    expect(audience.ack('n1', 1, 1, 1).catchUp?.events?.map((event) => event.index)).toEqual([2]);
    expect(audience.ack('n1', 2, 1, 1)).toEqual({ settled: [] });
  });

  it('believes no ack for what was never sent, and none that goes back', () => {
    const audience = guild();
    audience.subscribe('n1', 's1');
    audience.publish(draft('a'), 'A', 0);
    expect(audience.ack('n1', 2, 1, 1).settled).toEqual([]);
    expect(audience.ack('stranger', 1, 1, 1).settled).toEqual([]);
    expect(audience.ack('n1', 1, 1, 1).settled).toHaveLength(1);
    expect(audience.ack('n1', 1, 1, 1).settled).toEqual([]);
  });

  it('owes nothing to a node whose last session left or that is gone', () => {
    const audience = guild();
    audience.subscribe('n1', 's1');
    audience.subscribe('n2', 's2');
    audience.publish(draft('a'), 'A', 0);
    expect(audience.unsubscribe('n1', 's1')).toEqual([]);
    expect(audience.removeNode('n2')).toEqual([{ ticket: 'A', sessions: 0 }]);
    expect([audience.sessions, audience.busy]).toEqual([0, false]);
  });

  it('settles each publish exactly once and delivers each event to each living node exactly once, in order', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('publish' as const), id: fc.nat(30) }),
      fc.record({
        do: fc.constantFrom('join' as const, 'leave' as const, 'ack' as const, 'refuse' as const),
        node: fc.nat(3),
      }),
      fc.record({ do: fc.constant('hear' as const) }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.nat(3000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const told = new Told();
        const audience = new Audience<number>(Kind.user, '1', told, {
          ...limits,
          recentIds: 100,
          logEvents: 1000,
          logBytes: 1e9,
        });
        const inbox = new Map<string, { from: number; got: number[]; acked: number }>();
        const settled = new Map<number, number>();
        let tickets = 0;
        let now = 0;
        let refuseNext: string | undefined;
        const settle = (list: readonly { ticket: number }[]) =>
          list.forEach(({ ticket }) => settled.set(ticket, (settled.get(ticket) ?? 0) + 1));
        const deliver = (node: string, event: AudienceEvent) => inbox.get(node)?.got.push(event.index);
        const ackAll = (node: string) => {
          const box = inbox.get(node);
          for (const index of box?.got.slice(box.acked) ?? []) {
            box!.acked++;
            const { settled: done, catchUp } = audience.ack(node, index, 1, now);
            settle(done);
            catchUp?.events?.forEach((event) => deliver(catchUp.node, event));
          }
        };
        for (const action of steps) {
          if (action.do === 'publish') {
            const publication = audience.publish(draft(`e${action.id}`), tickets++, now);
            settle(publication.settled);
            for (const node of publication.nodes) {
              if (node === refuseNext) audience.refused(node, publication.event!.index);
              else deliver(node, publication.event!);
            }
            refuseNext = undefined;
          } else if (action.do === 'wait') {
            now += action.ms;
            settle(audience.tick(now).failed.map((ticket) => ({ ticket })));
          } else if (action.do === 'hear') settle(told.hear(audience));
          else {
            const node = `n${action.node}`;
            if (action.do === 'join' && !inbox.has(node)) {
              audience.subscribe(node, `s-${node}`);
              inbox.set(node, { from: audience.index, got: [], acked: 0 });
            } else if (action.do === 'leave' && inbox.delete(node)) settle(audience.removeNode(node));
            else if (action.do === 'ack') ackAll(node);
            else if (action.do === 'refuse') refuseNext = node;
          }
        }
        for (const [node, box] of inbox) {
          for (let round = 0; round < 3; round++) ackAll(node);
          const { catchUp } = audience.sync(node, box.got.at(-1) ?? box.from);
          catchUp?.events?.forEach((event) => deliver(node, event));
          ackAll(node);
          expect(box.got).toEqual(
            Array.from({ length: audience.index - box.from }, (_, at) => box.from + 1 + at),
          );
        }
        audience.tick(now + 1e6);
        settle(told.hear(audience));
        settle(audience.tick(now + 2e6).failed.map((ticket) => ({ ticket })));
        expect([...settled.values()].every((times) => times === 1)).toBe(true);
        expect(settled.size).toBe(tickets);
      }),
    );
  });
});
