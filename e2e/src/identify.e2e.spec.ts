import { demo } from './demo';
import { RawClient } from './raw-client';
import { type Wiring, wirings } from './wiring';

const identify = (token: string) => ({ op: 2, d: { token, intents: 1, properties: {} } });

describe.each(wirings)('identifies of a bot, %s', (_, start) => {
  let wiring: Wiring;

  beforeAll(async () => {
    wiring = await start({ IDENTIFY_INTERVAL: '1s', IDENTIFIES_PER_DAY: '3' });
  }, 60_000);

  afterAll(() => wiring.stop());

  it('take turns and have a number, which /gateway/bot tells', async () => {
    const token = wiring.token(demo.bot);
    const limit = async (): Promise<Record<string, number>> => {
      const answer = await fetch(`http://${wiring.gateway}/api/v10/gateway/bot`, {
        headers: { authorization: `Bot ${token}` },
      });
      return ((await answer.json()) as { session_start_limit: Record<string, number> }).session_start_limit;
    };
    expect(await limit()).toEqual({ total: 3, remaining: 3, reset_after: 0, max_concurrency: 1 });

    const [first, second] = [new RawClient(wiring.gateway), new RawClient(wiring.gateway)];
    await first.identify(token);
    await second.op(10);
    second.send(identify(token));
    expect((await second.op(9)).d).toBe(false);
    // The turn is there when the client is told so: the same socket may identify at once.
    second.send(identify(token));
    await second.event('READY');
    expect(await limit()).toMatchObject({ remaining: 1, max_concurrency: 1 });
    expect((await limit())['reset_after']).toBeGreaterThan(86_000_000);
    await Promise.all([first.close(), second.close()]);
  }, 30_000);
});
