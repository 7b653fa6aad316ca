import fc from 'fast-check';
import { FanOutTable, type Filter } from './fan-out-table';
import { ReplayMemory, hold } from './replay-buffer';
import { Session } from './session';

const open: Filter = {
  channelId: '',
  intents: 0,
  permissions: '',
  alwaysUserId: '',
  managesChannel: false,
  alsoUserIds: [],
  alsoIntents: 0,
};
const dispatch = hold({
  id: 'a',
  name: 'X',
  data: new Uint8Array(1),
  own: new Uint8Array(0),
  volatile: false,
});

function sessionOf(userId: string, intents = 1, id = userId): Session {
  const traits = {
    id,
    userId,
    bot: true,
    intents,
    shard: undefined,
    largeThreshold: 50,
    version: 10,
    resumeGatewayUrl: '',
    client: 'web',
  };
  const session = new Session(traits, { events: 100_000, bytes: 1e9 }, new ReplayMemory());
  session.waiting = undefined;
  return session;
}

describe('FanOutTable', () => {
  it('delivers an event of a channel only to classes that see it', () => {
    const table = new FanOutTable();
    const [sees, blind] = [sessionOf('1'), sessionOf('2')];
    table.setClass(1, ['5'], '0');
    table.setClass(2, [], '0');
    table.add(sees, 1);
    table.add(blind, 2);
    expect(table.deliver(dispatch, { ...open, channelId: '5' })).toBe(1);
    expect([sees.buffer.last, blind.buffer.last]).toEqual([1, 0]);
    table.setClass(1, ['6'], '0');
    expect(table.deliver(dispatch, { ...open, channelId: '5' })).toBe(0);
  });

  it('lets a class that nobody has defined see nothing', () => {
    const table = new FanOutTable();
    table.add(sessionOf('1'), 9);
    expect(table.deliver(dispatch, { ...open, channelId: '5' })).toBe(0);
    expect(table.deliver(dispatch, { ...open, permissions: '8' })).toBe(0);
    expect(table.deliver(dispatch, open)).toBe(1);
  });

  it('wants one of the intents and one of the permissions', () => {
    const table = new FanOutTable();
    table.setClass(1, [], String(1n << 40n));
    table.add(sessionOf('1', 0b011), 1);
    table.add(sessionOf('2', 0b100), 1);
    expect(table.deliver(dispatch, { ...open, intents: 0b010 })).toBe(1);
    expect(table.deliver(dispatch, { ...open, intents: 0b110 })).toBe(2);
    expect(table.deliver(dispatch, { ...open, permissions: String((1n << 40n) | 1n) })).toBe(2);
    expect(table.deliver(dispatch, { ...open, permissions: '1' })).toBe(0);
  });

  it('gives a user an event about itself whatever its intents are, and only once', () => {
    const table = new FanOutTable();
    table.setClass(1, [], '0');
    const [about, other] = [sessionOf('1', 0), sessionOf('2', 2)];
    table.add(about, 1);
    table.add(other, 1);
    expect(table.deliver(dispatch, { ...open, intents: 2, alwaysUserId: '1' })).toBe(2);
    expect(table.deliver(dispatch, { ...open, intents: 2, alwaysUserId: '2' })).toBe(1);
    expect(table.deliver(dispatch, { ...open, alwaysUserId: '1' })).toBe(2);
  });

  it('gives users whom an event names what lesser intents let through, where they may see it, and only once', () => {
    const table = new FanOutTable();
    table.setClass(1, ['5'], '0');
    table.setClass(2, [], '0');
    const [all, lesser, none, unnamed, blind] = [
      sessionOf('1', 0b11, 'all'),
      sessionOf('1', 0b01, 'lesser'),
      sessionOf('1', 0b00, 'none'),
      sessionOf('2', 0b01),
      sessionOf('3', 0b01),
    ];
    for (const session of [all, lesser, none, unnamed]) table.add(session, 1);
    table.add(blind, 2);
    const filter = {
      ...open,
      channelId: '5',
      intents: 0b10,
      alsoUserIds: ['1', '3', '4'],
      alsoIntents: 0b01,
    };
    expect(table.deliver(dispatch, filter)).toBe(2);
    expect([all, lesser, none, unnamed, blind].map(({ buffer }) => buffer.last)).toEqual([1, 1, 0, 0, 0]);
  });

  it('holds a volatile event back from a quiet session whom it names', () => {
    const table = new FanOutTable();
    table.setClass(1, [], '0');
    const session = sessionOf('1', 0b01);
    session.quiet = true;
    table.add(session, 1);
    const named = { ...open, intents: 0b10, alsoUserIds: ['1'], alsoIntents: 0b01 };
    const volatile = { guildId: '100', aboutUserId: '' };
    expect(table.deliver(dispatch, named, undefined, volatile)).toBe(0);
    expect(table.deliver(dispatch, named)).toBe(1);
  });

  it('keeps groups right through every add, remove, reclass and change of who is quiet', () => {
    const step = fc.record({
      do: fc.constantFrom('add' as const, 'remove' as const, 'reclass' as const, 'quiet' as const),
      session: fc.nat(11),
      to: fc.nat(2),
    });
    const typing = hold({ ...dispatch.event, id: 'b', volatile: true });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const table = new FanOutTable();
        for (const id of [0, 1, 2]) table.setClass(id, [`c${id}`], '0');
        const sessions = Array.from({ length: 12 }, (_, at) =>
          sessionOf(String(at % 4), 1 << (at % 3), `s${at}`),
        );
        const classes = new Map<Session, number>();
        for (const { do: what, session: at, to } of steps) {
          const session = sessions[at]!;
          if (what === 'add') {
            table.add(session, to);
            if (!classes.has(session)) classes.set(session, to);
          } else if (what === 'remove') {
            expect(table.remove(session)).toBe(classes.delete(session));
          } else if (what === 'quiet') {
            session.quiet = to === 0;
            table.quietChanged(session);
          } else {
            table.reclass(session.userId, to);
            for (const known of classes.keys()) if (known.userId === session.userId) classes.set(known, to);
          }
        }
        expect(table.size).toBe(classes.size);
        expect(table.hasQuiet).toBe([...classes.keys()].some(({ quiet }) => quiet));
        for (const to of [0, 1, 2]) {
          const before = sessions.map(({ buffer }) => buffer.last);
          table.deliver(dispatch, { ...open, channelId: `c${to}`, intents: 3 });
          const expected = sessions.map((session) => Number(classes.get(session) === to && session.has(3)));
          expect(sessions.map(({ buffer }, at) => buffer.last - before[at]!)).toEqual(expected);

          // What they can do without the quiet ones are not sent: they keep it for later, each its own.
          const then = sessions.map(({ buffer }) => buffer.last);
          const volatile = { guildId: '100', aboutUserId: `of class ${to}` };
          const delivered = table.deliver(typing, { ...open, channelId: `c${to}` }, undefined, volatile);
          const inClass = sessions.filter((session) => classes.get(session) === to);
          const awake = inClass.filter(({ quiet }) => !quiet);
          expect(sessions.filter(({ buffer }, at) => buffer.last > then[at]!)).toEqual(awake);
          expect(delivered).toBe(awake.length);
          for (const session of sessions) {
            const kept = [...(session.missed?.all() ?? [])].filter((missed) => missed === typing).length;
            expect(kept).toBe(Number(session.quiet && inClass.includes(session)));
            session.missed = undefined;
          }
        }
      }),
    );
  });
});
