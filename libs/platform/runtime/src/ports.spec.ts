import { type AddressInfo, createServer } from 'node:net';
import { address, loadConfig, setting } from '@derailed/platform/config';
import { claimPorts } from './ports';

const settings = { door: { listen: setting('DOOR_LISTEN', 'Where the door is.', address('127.0.0.1:0')) } };

describe('claimPorts', () => {
  it('turns port 0 into a free port', async () => {
    const { door } = await claimPorts(settings, loadConfig(settings, {}), []);
    expect(door.listen.port).toBeGreaterThan(0);
  });

  it('names the variable of an address in use', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(claimPorts(settings, loadConfig(settings, { DOOR_LISTEN: taken }), [])).rejects.toThrow(
      `DOOR_LISTEN: ${taken} is in use.`,
    );
    await expect(
      claimPorts(settings, loadConfig(settings, { DOOR_LISTEN: taken }), ['door']),
    ).resolves.toBeDefined();
    server.close();
  });
});
