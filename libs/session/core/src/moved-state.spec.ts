import { Town } from './town.fixture';

describe('what goes along with a session', () => {
  it('is each event body once, however many sessions hold it', () => {
    const town = new Town();
    const clients = Array.from({ length: 20 }, () => town.ready());
    town.publish('100', 'shared');
    town.settle();
    town.carried.length = 0;
    town.move('7:0', 's2');
    town.settle();
    expect(town.sessions('s2')).toBe(20);
    const events = town.told('replayEvents').flatMap(({ events: sent }) => sent);
    expect(events.filter(({ event }) => event?.id === 'shared')).toHaveLength(1);
    const snapshots = events.filter(({ event }) => event?.name === 'GUILD_CREATE');
    expect(snapshots.length).toBeGreaterThan(2);
    for (const client of clients) town.expectUnbroken(client);
  });

  it('is the end of its resume window', () => {
    const town = new Town({ resumeWindow: 60_000 });
    const client = town.ready();
    town.drop(client);
    town.settle(50_000);
    town.move('7:0', 's2');
    town.settle(5000);
    expect(town.sessions('s2')).toBe(1);
    town.settle(5000);
    expect(town.sessions('s2')).toBe(0);
  });

  it('is what may be resumed', () => {
    const town = new Town();
    const client = town.ready();
    const ids = Array.from({ length: 1000 }, (_, at) => `e${at}`);
    for (const id of ids) {
      town.publish('100', id, { data: new Uint8Array(id === 'e500' ? 100_000 : 100) });
      town.settle(1);
    }
    const { lastSeq } = town.client(client);
    town.move('7:0', 's2');
    town.settle();
    expect(town.sessions('s2')).toBe(1);
    const resumed = town.resume(client, lastSeq - 900);
    town.settle();
    expect(town.names(resumed)).toHaveLength(901);
    expect(town.client(client).closed).toBe(4000);
  });

  it('is what it had: an owner that forgot does not double it while the session is on its way either', () => {
    const town = new Town();
    const client = town.ready();
    town.publish('100', 'a');
    town.settle();
    town.forgetGuilds();
    town.settle();
    const isLate = ({ message, to }: { message: { $case: string }; to: string }): boolean =>
      message.$case === 'audienceEvent' && to === 's1';
    town.held = (parcel) => parcel.message.$case === 'sessionOfferAccepted' || isLate(parcel);
    town.move('7:0', 's2');
    town.settle();
    // What the next node queues is not at the node before yet, which has had it of the owner before.
    town.publish('100', 'a');
    town.publish('100', 'b');
    town.settle();
    town.held = isLate;
    town.settle();
    town.held = undefined;
    town.settle();
    expect(town.got(client)).toEqual(['100 a', '100 b']);
    town.expectUnbroken(client);
  });

  it('is what it had of a guild that was unavailable when it went', () => {
    const town = new Town();
    const client = town.ready();
    town.publish('100', 'a');
    town.settle();
    town.held = ({ message, to }) => message.$case === 'subscribe' && to === 'g';
    town.forgetGuilds();
    for (const guildId of ['100', '200']) town.refuse(client, guildId);
    town.settle();
    expect(town.names(client).slice(-2)).toEqual(['GUILD_DELETE', 'GUILD_DELETE']);
    town.move('7:0', 's2');
    town.settle();
    town.held = undefined;
    town.settle();
    expect(town.sessions('s2')).toBe(1);
    expect(town.names(client).slice(-2)).toEqual(['GUILD_CREATE', 'GUILD_CREATE']);
    town.publish('100', 'a');
    town.publish('100', 'b');
    town.settle();
    expect(town.got(client)).toEqual(['100 a', '100 b']);
    town.expectUnbroken(client);
  });

  it('is what it had: an owner that forgot, and publishes again, does not double it', () => {
    const town = new Town();
    const client = town.ready();
    const other = town.ready('8');
    town.publish('100', 'a');
    town.settle();
    town.move('7:0', 's2');
    town.settle();
    town.forgetGuilds();
    town.settle();
    town.publish('100', 'a');
    town.publish('100', 'b');
    town.settle();
    expect(town.got(client)).toEqual(['100 a', '100 b']);
    expect(town.got(other)).toEqual(['100 a', '100 b']);
    town.expectUnbroken(client);
  });
});

describe('a resume at a node that does not have the session', () => {
  it('while the list has changed brings it there', () => {
    const town = new Town({ moves: { concurrency: 64, bytes: 1e6, timeout: 1000 } });
    const client = town.ready();
    town.drop(client);
    town.settle();
    town.owners.set('7:0', 's2');
    const resumed = town.resume(client, town.client(client).lastSeq);
    town.settle();
    expect(town.names(resumed)).toEqual(['RESUMED']);
    expect([town.sessions('s1'), town.sessions('s2')]).toEqual([0, 1]);
  });

  it('is passed on to the node that has it by the ring', () => {
    const town = new Town();
    const client = town.ready();
    town.drop(client);
    town.settle();
    const resumed = town.resume(client, town.client(client).lastSeq, 's2');
    town.settle();
    expect(town.names(resumed)).toEqual(['RESUMED']);
  });

  it('is refused when nobody has it', () => {
    const town = new Town();
    const client = town.ready();
    town.drop(client, true);
    town.settle();
    const resumed = town.resume(client, 1, 's2');
    town.settle();
    expect(town.client(resumed).invalid).toBe(true);
  });
});
