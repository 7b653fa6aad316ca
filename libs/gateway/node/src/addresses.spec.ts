import { TrustedProxies, callerKey, parseRange } from './addresses';

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
])('%s counts as %s', (address, key) => {
  expect(callerKey(address)).toBe(key);
});

it.each(['', 'proxy', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0', '::1/129', '::1/x'])(
  '%j is no range of addresses',
  (text) => {
    expect(parseRange(text)).toBeUndefined();
  },
);

describe('trusted proxies', () => {
  const proxies = new TrustedProxies(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32']);

  it.each([
    ['10.200.0.1', true],
    ['::ffff:10.0.0.1', true],
    ['192.0.2.1', true],
    ['2001:db8:9::1', true],
    ['192.0.2.2', false],
    ['2001:db9::1', false],
    ['nonsense', false],
  ])('include %s: %s', (address, included) => {
    expect(proxies.includes(address)).toBe(included);
  });

  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['203.0.113.9, 198.51.100.7', '198.51.100.7'],
    ['198.51.100.7, 10.0.0.3, 192.0.2.1', '198.51.100.7'],
    ['198.51.100.7:55000', '198.51.100.7'],
    ['[2001:db9::7]:443, 10.0.0.3', '2001:db9::7'],
    ['198.51.100.7, unknown', '10.0.0.1'],
    ['10.0.0.5', '10.0.0.1'],
    ['', '10.0.0.1'],
  ])('say %j of a client, which is %s', (forwardedFor, client) => {
    expect(proxies.clientOf(forwardedFor, '10.0.0.1')).toBe(client);
  });
});
