import { Crowd } from './crowd';
import { oneAtATime, saturate } from './load';
import { type PlainServer, startPlain } from './plain';

const message = { name: 'MESSAGE_CREATE', data: '{"content":"hi"}' };

describe.each(['plain', 'corked', 'deflated'] as const)('the %s server', (way) => {
  let server: PlainServer;
  let crowd: Crowd;

  beforeAll(async () => {
    server = await startPlain(way);
    crowd = new Crowd({ at: server.sockets, frames: 0 });
    await crowd.grow(5);
  });
  afterAll(async () => {
    crowd.leave();
    await server.stop();
  });

  it.each([
    ['at saturation', (load: Parameters<typeof oneAtATime>[0]) => saturate(load, 64)],
    ['one at a time', (load: Parameters<typeof oneAtATime>[0]) => oneAtATime(load)],
  ])('sends every event to every receiver once, %s', async (_, load) => {
    const run = await load({ server, crowd, message, seconds: 0.2 });
    expect(run.events).toBeGreaterThan(0);
    expect(run.deliveries).toBe(run.events * 5);
  });
});
