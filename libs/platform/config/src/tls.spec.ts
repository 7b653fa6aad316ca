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
});
