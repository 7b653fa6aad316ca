import { z } from 'zod';
import {
  address,
  count,
  describeConfig,
  duration,
  flag,
  loadConfig,
  optionalText,
  printConfig,
  setting,
  size,
} from './index';

const settings = {
  door: {
    listen: setting('DOOR_LISTEN', 'Where the door is.', address('127.0.0.1:1')),
    token: setting('DOOR_TOKEN', 'Opens the door.', optionalText(), true),
  },
  limits: {
    wait: setting('WAIT', 'How long to wait.', duration('3m', { min: '1s' })),
    buffer: setting('BUFFER', 'How much to keep.', size('16M')),
    times: setting('TIMES', 'How often.', count(3, { min: 1, max: 9 })),
    loud: setting('LOUD', 'Whether to say so.', flag(false)),
    mode: setting('MODE', 'Which way.', z.enum(['a', 'b'], { error: 'must be a or b' }).default('a')),
  },
};

describe('loadConfig', () => {
  it('takes defaults where nothing is set, and counts an empty variable as not set', () => {
    expect(loadConfig(settings, { WAIT: '' })).toEqual({
      door: { listen: { host: '127.0.0.1', port: 1 }, token: undefined },
      limits: { wait: 180_000, buffer: 16 * 1024 * 1024, times: 3, loud: false, mode: 'a' },
    });
  });

  it.each([
    ['WAIT', '1500ms', 'wait', 1500],
    ['WAIT', '2h', 'wait', 7_200_000],
    ['BUFFER', '64K', 'buffer', 65_536],
    ['TIMES', '9', 'times', 9],
    ['LOUD', '1', 'loud', true],
    ['MODE', 'b', 'mode', 'b'],
  ] as const)('reads %s=%s', (name, text, key, value) => {
    expect(loadConfig(settings, { [name]: text }).limits[key]).toBe(value);
  });

  it('reads addresses of both families', () => {
    expect(loadConfig(settings, { DOOR_LISTEN: '[::1]:80' }).door.listen).toEqual({ host: '::1', port: 80 });
  });

  it.each([
    ['WAIT', 'soon', 'WAIT must be a duration such as 500ms, 10s or 3m, from 1s to 24d, not "soon".'],
    ['WAIT', '10ms', 'WAIT must be a duration such as 500ms, 10s or 3m, from 1s to 24d, not "10ms".'],
    ['BUFFER', '-1', 'BUFFER must be a size such as 4096, 64K or 16M, not "-1".'],
    ['TIMES', '10', 'TIMES must be a whole number from 1 to 9, not "10".'],
    ['LOUD', 'yes', 'LOUD must be 1 or 0, not "yes".'],
    ['MODE', 'c', 'MODE must be a or b, not "c".'],
    [
      'DOOR_LISTEN',
      '127.0.0.1:70000',
      'DOOR_LISTEN must be HOST:PORT, such as 127.0.0.1:15000, not "127.0.0.1:70000".',
    ],
  ])('says what is wrong with %s=%s in one sentence', (name, text, sentence) => {
    expect(() => loadConfig(settings, { [name]: text })).toThrow(sentence);
  });

  it('names a variable of ours that does not exist, and leaves others and those of Kubernetes alone', () => {
    const start = (name: string) => () => loadConfig(settings, { [name]: 'x' });
    expect(start('GATEWAY_LISTENN')).toThrow(
      'GATEWAY_LISTENN is no setting of this gateway; GATEWAY_LISTEN is.',
    );
    expect(start('DATABASE_ULR')).toThrow('DATABASE_ULR is no setting of this gateway; DATABASE_URL is.');
    expect(start('HEARTBEAT_INTERVAl')).toThrow('; HEARTBEAT_INTERVAL is.');
    expect(start('TUNNEL_COLOUR')).toThrow('docs/reference/config.md lists them all.');
    expect(start('XDG_DATA_DIRS')).not.toThrow();
    expect(() =>
      loadConfig(settings, { HOME: '/', TUNNEL_SERVICE_HOST: '10.0.0.1', TUNNEL_PORT_17000_TCP: 'tcp' }),
    ).not.toThrow();
  });
});

describe('printConfig', () => {
  it('prints an environment file with every secret masked, which loads to the same configuration', () => {
    const environment = { DOOR_TOKEN: 'hush', WAIT: '2s' };
    const config = loadConfig(settings, environment);
    const text = printConfig(describeConfig(settings, config, environment));
    expect(text).toContain('# How long to wait.\nWAIT=2000\n');
    expect(text).toContain('DOOR_TOKEN=***');
    expect(text).not.toContain('hush');
    const printed = Object.fromEntries(
      text
        .split('\n')
        .filter((line) => /^[A-Z]/.test(line))
        .map((line) => line.split('=') as [string, string]),
    );
    expect(loadConfig(settings, { ...printed, DOOR_TOKEN: 'hush' })).toEqual(config);
  });
});
