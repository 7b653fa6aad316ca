import { createAuthority } from '@derailed/testing';
import { readDoorTls } from './index';

describe('readDoorTls', () => {
  it('is undefined for a door without TLS', () => {
    expect(readDoorTls('TUNNEL', {})).toBeUndefined();
  });

  it.each([
    [{ tlsCert: 'c.pem' }, 'TUNNEL_TLS_CERT needs TUNNEL_TLS_KEY.'],
    [{ tlsKey: 'k.pem' }, 'TUNNEL_TLS_KEY needs TUNNEL_TLS_CERT.'],
    [{ tlsCa: 'ca.pem' }, 'TUNNEL_TLS_CA needs TUNNEL_TLS_CERT and TUNNEL_TLS_KEY.'],
    [{ tlsCert: '/no/c.pem', tlsKey: '/no/k.pem' }, "TUNNEL_TLS_CERT: can't read /no/c.pem (ENOENT)."],
  ])('says what is missing of %j', (tls, sentence) => {
    expect(() => readDoorTls('TUNNEL', tls)).toThrow(sentence);
  });

  it('refuses a key that is not of the certificate', async () => {
    const authority = await createAuthority();
    const [one, other] = [await authority.issue('one'), await authority.issue('other')];
    const door = { tlsCert: one.cert, tlsKey: one.key, tlsCa: authority.ca };
    expect(readDoorTls('TUNNEL', door)?.ca?.toString()).toContain('BEGIN CERTIFICATE');
    expect(() => readDoorTls('TUNNEL', { ...door, tlsKey: other.key })).toThrow(
      /^TUNNEL_TLS_CERT and TUNNEL_TLS_KEY can't be used: .*mismatch/,
    );
    authority.remove();
  });
});
