import { encodeSessionId } from '@derailed/shared/protocol';
import { GatewayFixture, type TestClient, user } from './gateway.fixture';

const sessionId = encodeSessionId({ userId: user.id, shardId: undefined }, 'A'.repeat(22));

describe('a ws-gateway that lets in one at a time', () => {
  let gateway: GatewayFixture;

  const start = async (more: Record<string, string> = {}): Promise<void> => {
    gateway = await GatewayFixture.start({ identifyAtOnce: '1', ...more });
  };
  afterEach(() => gateway.stop());

  const ask = async (what: 'identify' | 'resume'): Promise<TestClient> => {
    const client = await gateway.connect();
    await client.next(10);
    client.send(
      what === 'identify'
        ? { op: 2, d: { token: 'good', intents: 513, properties: {} } }
        : { op: 6, d: { token: 'good', session_id: sessionId, seq: 3 } },
    );
    return client;
  };
  const waiting = async (count: number): Promise<void> => {
    const line = `derailed_gateway_entries_waiting ${count}`;
    while ((await gateway.figure('derailed_gateway_entries_waiting')) !== line)
      await new Promise(setImmediate);
  };

  it('takes the next one when READY of the one before is on its way', async () => {
    await start();
    await ask('identify');
    const first = await gateway.heard('identify');
    await ask('identify');
    await waiting(1);
    gateway.say({ $case: 'bound', value: { connection: first.connection, sessionId, epoch: 1, seq: 0 } });
    gateway.deliver([first.connection], [1], 'READY', '{}');
    const second = await gateway.heard('identify');
    expect(second.connection).not.toBe(first.connection);
    await waiting(0);
  });

  it('takes the next one when the one before is gone', async () => {
    await start();
    const first = await ask('identify');
    const { connection } = await gateway.heard('identify');
    await ask('identify');
    await waiting(1);
    first.ws.terminate();
    expect((await gateway.heard('identify')).connection).not.toBe(connection);
  });

  it('lets a resume pass those who wait to identify', async () => {
    await start();
    await ask('identify');
    await gateway.heard('identify');
    await ask('identify');
    await waiting(1);
    await ask('resume');
    expect(await gateway.heard('resume')).toMatchObject({ sessionId, seq: 3 });
    await waiting(1);
  });

  it('answers heartbeats of those who wait', async () => {
    await start();
    await ask('identify');
    await gateway.heard('identify');
    const second = await ask('identify');
    await waiting(1);
    second.send({ op: 1, d: null });
    expect(await second.next(11)).toMatchObject({ op: 11 });
  });

  it('turns away who waits too long: op 9 (false) on the same connection for an identify, 4000 for a resume', async () => {
    await start({ identifyDeadline: '1s' });
    await Promise.all([ask('identify'), ask('resume')]);
    await Promise.all([gateway.heard('identify'), gateway.heard('resume')]);
    const [identifying, resuming] = await Promise.all([ask('identify'), ask('resume')]);
    await waiting(2);
    expect(await identifying.next(9)).toMatchObject({ d: false });
    expect(await resuming.closed).toMatchObject({ code: 4000 });
    identifying.send({ op: 2, d: { token: 'good', intents: 513, properties: {} } });
    expect(await gateway.heard('identify')).toMatchObject({ intents: 513 });
  });
});
