import { Town } from './town.fixture';
import { eventOf } from './world.fixture';

/** The session lives at the new node, and its client gets what comes, on the connection that it has had all along. */
function expectMoved(town: Town, client: number): void {
  town.publish('100', 'a');
  town.settle();
  expect(town.got(client)).toEqual(['100 a']);
  expect([town.sessions('s1'), town.sessions('s2')]).toEqual([0, 1]);
  town.expectUnbroken(client);
}

describe('a move that comes to nothing', () => {
  const stateHeld = (town: Town): number => {
    const client = town.ready();
    town.held = ({ message }) => message.$case === 'sessionState';
    town.move('7:0', 's2');
    town.settle();
    town.publish('100', 'a');
    town.settle();
    return client;
  };

  it('because the new node dies leaves the session where it is; its client resumes', () => {
    const town = new Town();
    const client = stateHeld(town);
    town.kill('s2');
    town.held = undefined;
    town.settle();
    expect([town.got(client), town.client(client).closed]).toEqual([[], 4000]);
    town.owners.clear();
    town.delist('s2');
    town.settle();
    town.publish('100', 'b');
    town.settle();
    const { lastSeq } = town.client(client);
    const resumed = town.resume(client, lastSeq);
    town.settle();
    expect(town.got(resumed)).toEqual(['100 a', '100 b']);
    const { frames, closed } = town.client(resumed);
    expect(frames.map(({ seq }) => seq)).toEqual([1, 2, 3].map((more) => lastSeq + more));
    expect(closed).toBeUndefined();
  });

  it('because the link breaks is found out when it is back, and the session goes then', () => {
    const town = new Town();
    const client = stateHeld(town);
    town.breakLink('s1', 's2');
    town.held = undefined;
    town.settle();
    town.mendLink('s1', 's2');
    town.settle(2000);
    town.publish('100', 'b');
    town.settle();
    expect(town.got(client)).toEqual(['100 a', '100 b']);
    expect([town.sessions('s1'), town.sessions('s2')]).toEqual([0, 1]);
    town.expectUnbroken(client);
  });

  it('though the session lives there already is no move back', () => {
    const town = new Town();
    const client = town.ready();
    town.held = ({ message }) => message.$case === 'sessionMoved';
    town.move('7:0', 's2');
    town.settle();
    town.breakLink('s1', 's2');
    town.held = undefined;
    town.mendLink('s1', 's2');
    town.settle();
    expectMoved(town, client);
  });

  it('because the old node dies costs the session; the new one drops what it queued', () => {
    const town = new Town();
    const client = town.ready();
    town.held = ({ message }) => message.$case === 'sessionOfferAccepted';
    town.move('7:0', 's2');
    town.settle();
    town.kill('s1');
    town.delist('s1');
    town.settle(30_000);
    expect(town.sessions('s2')).toBe(0);
    const resumed = town.resume(client, town.client(client).lastSeq);
    town.settle(10_000);
    expect(town.client(resumed)).toMatchObject({ invalid: true });
  });

  it('because the old node dies closes the connection that was handed over already: its session is nowhere', () => {
    // Before the new node knows of the hand-over or after, and before the ws-gateway knows of the death or after.
    for (const late of ['sessionState', 'connectionReleased'])
      for (const isFirst of [true, false]) {
        const town = new Town();
        const client = town.ready();
        town.held = ({ message }) => message.$case === 'sessionState' || message.$case === late;
        town.move('7:0', 's2');
        town.settle();
        if (isFirst) town.gateway.gone('s1');
        town.settle();
        town.kill('s1');
        town.delist('s1');
        town.held = undefined;
        town.settle();
        expect(town.client(client).closed).toBe(4000);
        const resumed = town.resume(client, town.client(client).lastSeq);
        town.settle(10_000);
        expect(town.client(resumed)).toMatchObject({ invalid: true });
      }
  });

  it('leaves no connection behind when the session was taken back by the old node, which dies before it can say so', () => {
    const town = new Town();
    const client = town.ready();
    town.held = ({ message }) => message.$case === 'sessionState' || message.$case === 'bound';
    town.move('7:0', 's2');
    town.settle();
    town.breakLink('s1', 's2');
    town.kill('s1');
    town.settle();
    expect(town.client(client).closed).toBe(4000);
  });

  it('sends a client on that has found its session where that stays: its key is the other node again', () => {
    const town = new Town();
    const client = town.ready();
    town.drop(client);
    town.settle();
    town.held = ({ message }) => message.$case === 'sessionOffer';
    town.move('7:0', 's2');
    const resumed = town.resume(client, town.client(client).lastSeq, 's2');
    town.settle();
    town.move('7:0', 's1');
    town.held = undefined;
    town.settle();
    expect(town.names(resumed)).toEqual(['RESUMED']);
    expect([town.sessions('s1'), town.sessions('s2')]).toEqual([1, 0]);
  });

  it('has a client try again whose session is between two nodes, of which one has sent it to the other', () => {
    const town = new Town({ moves: { concurrency: 64, bytes: 1e6, timeout: 1000 } });
    const client = town.ready();
    town.drop(client);
    town.settle();
    town.held = ({ message }) => message.$case === 'sessionState';
    town.move('7:0', 's2');
    town.settle();
    const resumed = town.resume(client, town.client(client).lastSeq, 's2');
    // The new node does not wait any longer, and sends it back before the state comes.
    town.settle(2500);
    expect(town.client(resumed)).toMatchObject({ closed: 4000, invalid: false });
    town.held = undefined;
    town.settle(5000);
    const again = town.resume(client, town.client(client).lastSeq, 's2');
    town.settle();
    expect(town.names(again)).toEqual(['RESUMED']);
  });

  it('has a client try again while a node says nothing that may have its session, and identify when it is off the list', () => {
    const town = new Town();
    const client = town.ready();
    town.drop(client);
    town.settle();
    town.held = ({ message, to }) => message.$case === 'sessionOffer' || to === 's1';
    town.move('7:0', 's2');
    const early = town.resume(client, town.client(client).lastSeq, 's2');
    town.settle(2900);
    expect(town.client(early).closed).toBeUndefined();
    town.settle(200);
    expect(town.client(early)).toMatchObject({ closed: 4000, invalid: false });
    const late = town.resume(client, town.client(client).lastSeq, 's2');
    town.settle();
    town.kill('s1');
    town.settle();
    expect(town.client(late).closed).toBeUndefined();
    town.delist('s1');
    town.settle();
    expect(town.client(late)).toMatchObject({ invalid: true });
  });

  it('because the new node was not reached yet is made good when it is', () => {
    const town = new Town();
    const client = town.ready();
    town.lost = ({ message }) => message.$case === 'sessionOffer';
    town.move('7:0', 's2');
    town.settle();
    town.lost = undefined;
    town.mendLink('s1', 's2');
    town.settle();
    expect([town.sessions('s1'), town.sessions('s2')]).toEqual([0, 1]);
    town.expectUnbroken(client);
  });

  it('does not refuse a resume that waited for it: that is answered where the session stays', () => {
    const town = new Town({ moves: { concurrency: 64, bytes: 1e6, timeout: 1000 } });
    const client = town.ready();
    town.drop(client);
    town.settle();
    town.held = ({ message, from }) => message.$case === 'subscribe' && from.id === 's2';
    town.move('7:0', 's2');
    town.settle();
    const resumed = town.resume(client, town.client(client).lastSeq, 's2');
    town.settle(5000);
    expect(town.names(resumed)).toEqual(['RESUMED']);
    town.held = undefined;
    town.settle(5000);
    expect([town.sessions('s1'), town.sessions('s2')]).toEqual([0, 1]);
    town.publish('100', 'a');
    town.settle();
    expect(town.got(resumed)).toEqual(['100 a']);
  });

  it('because the new node does not get ready in time is tried again', () => {
    const town = new Town({ moves: { concurrency: 64, bytes: 1e6, timeout: 1000 } });
    const client = town.ready();
    town.held = ({ message, from }) => message.$case === 'subscribe' && from.id === 's2';
    town.move('7:0', 's2');
    town.settle(1500);
    town.publish('100', 'a');
    town.settle();
    expect(town.got(client)).toEqual(['100 a']);
    town.held = undefined;
    town.settle(5000);
    expect([town.sessions('s1'), town.sessions('s2')]).toEqual([0, 1]);
    town.expectUnbroken(client);
  });

  /** A move fails because a part of its state has not come, and neither that nor the hand-over is known yet. */
  const failed = (town: Town): number => {
    const client = town.ready();
    town.lost = ({ message }) => message.$case === 'replayEvents';
    town.held = ({ message }) => ['sessionMoved', 'connectionReleased'].includes(message.$case);
    town.move('7:0', 's2');
    town.settle();
    town.lost = undefined;
    return client;
  };

  it('because the new node has not got all of it leaves the connection where the session stays', () => {
    const town = new Town();
    const client = failed(town);
    // The hand-over first: the new node has no session for it, but the old one takes the connection back.
    town.held = ({ message }) => message.$case === 'sessionMoved';
    town.settle();
    town.held = undefined;
    town.settle(5000);
    expectMoved(town, client);
  });

  it('says nothing of the connection at the next try, which waits for its own hand-over', () => {
    const town = new Town();
    const client = failed(town);
    // The old node takes the session back and hands it over once more; nothing of that is at the ws-gateway yet.
    const isAtGateway = (to: string): boolean => to === 'w';
    town.held = ({ message, to }) => message.$case === 'connectionReleased' || isAtGateway(to);
    town.settle();
    town.publish('100', 'a');
    town.settle(5000);
    // What was said of the first hand-over comes now.
    town.held = ({ from, to }) => from.id === 's1' && isAtGateway(to);
    town.settle();
    town.held = undefined;
    town.settle();
    town.publish('100', 'b');
    town.settle();
    expect(town.got(client)).toEqual(['100 a', '100 b']);
    expect([town.sessions('s1'), town.sessions('s2')]).toEqual([0, 1]);
    town.expectUnbroken(client);
  });

  it('ends a session that could keep no more of what came meanwhile, and says so to its client', () => {
    const town = new Town({ replay: { events: 4096, bytes: 64 * 1024 } });
    const client = failed(town);
    for (const id of ['a', 'b'])
      town.publish('100', id, eventOf(id, 'MESSAGE_CREATE', `"${'x'.repeat(40_000)}"`));
    town.settle();
    town.held = undefined;
    town.settle();
    expect(town.client(client)).toMatchObject({ closed: 0, invalid: true });
    expect([town.sessions('s1'), town.sessions('s2')]).toEqual([0, 0]);
  });

  it('leaves the session where it is, though the new node had it before', () => {
    const town = new Town();
    const client = town.ready();
    for (const node of ['s2', 's1']) {
      town.move('7:0', node);
      town.settle();
    }
    town.held = ({ message }) => message.$case === 'sessionState';
    town.move('7:0', 's2');
    // The new node does not wait any longer; the state comes then.
    town.settle(30_000);
    town.held = undefined;
    town.settle(5000);
    expectMoved(town, client);
  });

  it('closes the connection of a session that has ended meanwhile', () => {
    const town = new Town();
    const client = failed(town);
    town.disconnect('7', 4004);
    town.settle();
    expect(town.sessions('s1')).toBe(0);
    town.held = undefined;
    town.settle();
    expect(town.client(client).closed).toBe(4000);
  });
});
