import * as fc from 'fast-check';
import {
  GuildPresence,
  mergePresences,
  offline,
  type PresenceChange,
  samePresence,
  type SessionPresence,
} from './index';

const session = (status: string, client = 'web', activities = '[]'): SessionPresence => ({
  status,
  client,
  activities,
});

describe('mergePresences', () => {
  it('lets the highest status speak, and the highest of each kind of client', () => {
    expect(mergePresences([session('dnd'), session('idle', 'mobile'), session('online', 'mobile')])).toEqual({
      status: 'online',
      activities: '[]',
      clientStatus: '{"mobile":"online","web":"dnd"}',
    });
  });

  it('shows nothing of an invisible session', () => {
    expect(mergePresences([session('invisible', 'desktop', '[{"name":"game"}]'), session('offline')])).toBe(
      offline,
    );
    expect(mergePresences([session('invisible', 'desktop'), session('idle')]).clientStatus).toBe(
      '{"web":"idle"}',
    );
  });

  it('takes the activities of the highest session that has any, of equals the one that spoke last', () => {
    const first = session('online', 'web', '[{"name":"first"}]');
    const last = session('online', 'desktop', '[{"name":"last"}]');
    expect(mergePresences([first, last]).activities).toBe('[{"name":"last"}]');
    expect(mergePresences([session('idle', 'web', '[{"name":"game"}]'), session('online')]).activities).toBe(
      '[{"name":"game"}]',
    );
  });
});

/** A guild's presences, a virtual clock, and what was told. */
class Rig {
  now = 0;
  readonly told: PresenceChange[] = [];
  readonly guild = new GuildPresence('1', { coalesce: 1000, grace: 10_000 });

  upsert(status: string, { node = 'n1', user = '5', id = 'a', client = 'web' } = {}): void {
    this.told.push(...this.guild.upsert(node, user, id, session(status, client), this.now));
  }

  clear({ node = 'n1', user = '5', id = 'a' } = {}): void {
    this.told.push(...this.guild.clear(node, user, id, this.now));
  }

  wait(ms: number): void {
    const end = this.now + ms;
    for (let wake = this.guild.nextWake(); wake !== undefined && wake <= end; wake = this.guild.nextWake()) {
      this.now = Math.max(this.now, wake);
      this.told.push(...this.guild.tick(this.now));
    }
    this.now = end;
  }

  get statuses(): string[] {
    return this.told.map(({ status }) => status);
  }
}

describe('GuildPresence', () => {
  it('tells nothing of a session that goes to another node, nor lets it speak for its user for that', () => {
    const rig = new Rig();
    const say = (node: string, id: string): void => {
      const shown = session('online', 'web', `[{"name":"${id}"}]`);
      rig.told.push(...rig.guild.upsert(node, '5', id, shown, rig.now));
      rig.wait(2000);
    };
    say('n1', 'a');
    say('n1', 'b');
    say('n2', 'a');
    rig.clear({ node: 'n1' });
    rig.told.push(...rig.guild.nodeGone('n2', rig.now));
    rig.wait(2000);
    expect(rig.told.map(({ activities }) => activities)).toEqual(['[{"name":"a"}]', '[{"name":"b"}]']);
    rig.wait(20_000);
    rig.told.push(...rig.guild.nodeGone('n1', rig.now));
    rig.wait(20_000);
    expect(rig.statuses.at(-1)).toBe('offline');
  });

  it('tells the first change at once, and a burst as one more after the quiet time', () => {
    const rig = new Rig();
    for (const status of ['online', 'idle', 'dnd', 'idle']) rig.upsert(status);
    expect(rig.statuses).toEqual(['online']);
    rig.wait(999);
    expect(rig.statuses).toEqual(['online']);
    rig.wait(1);
    expect(rig.statuses).toEqual(['online', 'idle']);
  });

  it('tells nothing when a burst ends where it began, and no equal state twice', () => {
    const rig = new Rig();
    rig.upsert('online');
    rig.upsert('idle');
    rig.upsert('online');
    rig.wait(5000);
    rig.upsert('online', { id: 'b' });
    expect(rig.statuses).toEqual(['online']);
  });

  it('never tells of somebody who was never seen', () => {
    const rig = new Rig();
    rig.upsert('invisible');
    rig.clear();
    rig.wait(5000);
    expect([rig.statuses, rig.guild.empty]).toEqual([[], true]);
  });

  it('tells offline when the last session is cleared, and then forgets the user', () => {
    const rig = new Rig();
    rig.upsert('online', { id: 'a' });
    rig.upsert('idle', { id: 'b', client: 'mobile' });
    rig.wait(2000);
    rig.clear({ id: 'a' });
    rig.clear({ id: 'b' });
    rig.wait(1000);
    expect(rig.told.at(-1)).toEqual({ guildId: '1', userId: '5', ...offline });
    rig.wait(1000);
    expect([rig.guild.empty, rig.guild.nextWake()]).toEqual([true, undefined]);
  });

  it('ignores a node that the session has left', () => {
    const rig = new Rig();
    rig.upsert('online', { node: 'n1' });
    rig.upsert('online', { node: 'n2' });
    rig.clear({ node: 'n1' });
    rig.wait(5000);
    expect(rig.statuses).toEqual(['online']);
  });

  it('takes the word of the later of two nodes of a session, in whatever order they come', () => {
    const say = (rig: Rig, node: string, status: string, hop: number): void =>
      void rig.told.push(...rig.guild.upsert(node, '5', 'a', session(status), rig.now, hop));
    for (const [first, second] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const rig = new Rig();
      for (const hop of [first, second]) say(rig, `n${hop}`, hop === 1 ? 'online' : 'dnd', hop);
      rig.wait(2000);
      expect(rig.statuses.at(-1)).toBe('dnd');
      // Its node before is gone, and lets it go: that is nobody's loss.
      rig.told.push(...rig.guild.moved('n1', '5', 'a', rig.now), ...rig.guild.nodeGone('n1', rig.now));
      rig.wait(30_000);
      expect(rig.statuses.at(-1)).toBe('dnd');
      rig.clear({ node: 'n2' });
      rig.wait(1000);
      expect(rig.statuses.at(-1)).toBe('offline');
    }
  });

  it('takes a word without a hop, of a node of the version before, as it comes', () => {
    const rig = new Rig();
    rig.told.push(...rig.guild.upsert('n2', '5', 'a', session('dnd'), rig.now, 2));
    rig.wait(2000);
    rig.upsert('idle', { node: 'n3' });
    expect(rig.statuses).toEqual(['dnd', 'idle']);
  });

  it('waits for the next node of a session that was let go, up to the grace period', () => {
    const rig = new Rig();
    rig.upsert('online', { id: 'a' });
    rig.upsert('online', { id: 'b', user: '6' });
    for (const [user, id] of [
      ['5', 'a'],
      ['6', 'b'],
    ] as const)
      rig.told.push(...rig.guild.moved('n1', user, id, rig.now));
    rig.wait(9999);
    rig.upsert('online', { id: 'a', node: 'n2' });
    expect(rig.statuses).toEqual(['online', 'online']);
    rig.wait(1);
    expect(rig.told.slice(2)).toMatchObject([{ userId: '6', status: 'offline' }]);
    rig.wait(60_000);
    expect(rig.guild.board(rig.now).presences.map(({ userId }) => userId)).toEqual(['5']);
    expect(rig.guild.nextWake()).toBeUndefined();
  });

  it('clears the sessions of a node that is gone after the grace period, but not those that spoke again', () => {
    const rig = new Rig();
    rig.upsert('online', { user: '5', id: 'a' });
    rig.upsert('online', { user: '6', id: 'b' });
    rig.upsert('online', { user: '7', id: 'c', node: 'n2' });
    rig.guild.nodeGone('n1', rig.now);
    rig.wait(5000);
    rig.upsert('online', { user: '6', id: 'b' });
    rig.wait(4999);
    expect(rig.statuses).toEqual(['online', 'online', 'online']);
    rig.wait(1);
    expect(rig.told.slice(3)).toMatchObject([{ userId: '5', status: 'offline' }]);
    const statuses = () =>
      rig.guild.board(rig.now).presences.map(({ userId, status }) => `${userId} ${status}`);
    expect(statuses()).toEqual(['6 online', '7 online']);
    rig.upsert('idle', { user: '7', id: 'c', node: 'n2' });
    rig.wait(59_999);
    expect(statuses()).toEqual(['6 online', '7 idle']);
    expect(rig.guild.board(rig.now).recent).toEqual([false, true]);
    rig.wait(1);
    expect(rig.guild.board(rig.now).recent).toEqual([false, false]);
  });

  it('tells again what could not be sent', () => {
    const rig = new Rig();
    rig.upsert('online');
    rig.guild.undelivered(rig.told.splice(0));
    rig.wait(1000);
    expect(rig.statuses).toEqual(['online']);
    rig.clear();
    rig.wait(1000);
    rig.guild.undelivered(rig.told.splice(1));
    rig.wait(1000);
    expect(rig.statuses).toEqual(['online', 'offline']);
    rig.wait(1000);
    expect(rig.guild.empty).toBe(true);
  });

  it('has told the merged state of every user when all is quiet, at most once a second each', () => {
    const step = fc.record({
      user: fc.constantFrom('5', '6'),
      id: fc.constantFrom('a', 'b', 'c'),
      status: fc.constantFrom('online', 'idle', 'dnd', 'invisible', undefined),
      ms: fc.nat(1500),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const rig = new Rig();
        const state = new Map<string, Map<string, SessionPresence>>([
          ['5', new Map()],
          ['6', new Map()],
        ]);
        const times = new Map<string, number[]>();
        for (const { user, id, status, ms } of steps) {
          const before = rig.told.length;
          const sessions = state.get(user);
          if (status === undefined) rig.clear({ user, id: user + id });
          else rig.upsert(status, { user, id: user + id });
          sessions?.delete(id);
          if (status !== undefined) sessions?.set(id, session(status));
          if (rig.told.length > before) times.set(user, [...(times.get(user) ?? []), rig.now]);
          rig.wait(ms);
        }
        rig.wait(5000);
        for (const [user, sessions] of state) {
          const last = rig.told.findLast(({ userId }) => userId === user) ?? offline;
          expect(samePresence(last, mergePresences(sessions.values()))).toBe(true);
          const ofUser = rig.told.filter(({ userId }) => userId === user);
          ofUser.forEach((change, at) =>
            expect(at > 0 && samePresence(change, ofUser[at - 1] ?? offline)).toBe(false),
          );
          (times.get(user) ?? []).forEach((time, at, all) =>
            expect(time - (all[at - 1] ?? -1000)).toBeGreaterThanOrEqual(1000),
          );
        }
      }),
    );
  });
});
