import { type AddressInfo, createServer } from 'node:net';
import { address, loadConfig, setting } from '@derailed/platform/config';
import { OperatorError } from '@derailed/shared/kernel';
import { claimPorts, sayPortInUse } from './ports';

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

describe('a port that is taken after it was claimed', () => {
  const config = loadConfig(settings, { DOOR_LISTEN: '127.0.0.1:4000' });
  const said = (error: unknown): unknown => sayPortInUse(error, settings, config, []);

  it.each([
    'listen EADDRINUSE: address already in use 127.0.0.1:4000',
    'No address added out of total 1 resolved errors: [listen EADDRINUSE: address already in use 127.0.0.1:4000]',
  ])('is one sentence with its variable (%s)', (message) => {
    expect(said(new Error(message))).toEqual(new OperatorError('DOOR_LISTEN: 127.0.0.1:4000 is in use.'));
  });

  it('is one sentence without a variable when nothing is set to it', () => {
    const error = new Error('listen EADDRINUSE: address already in use :::4001');
    expect(said(error)).toEqual(new OperatorError('Port 4001 is in use.'));
  });

  it('leaves other errors as they are', () => {
    const error = new Error('something else at 127.0.0.1:4000');
    expect(said(error)).toBe(error);
  });
});
