import type { AddressInfo } from 'node:net';
import { METRICS, AdminModule, READINESS, Readiness, createRegistry } from './index';
import { type INestApplication, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';

describe('the admin door', () => {
  let app: INestApplication;
  let url: string;
  const readiness = new Readiness();
  const open = async (access: Parameters<typeof AdminModule.forRoot>[0]): Promise<void> => {
    @Module({})
    class Platform {}
    const providers = [
      { provide: METRICS, useValue: createRegistry('test') },
      { provide: READINESS, useValue: readiness },
    ];
    const platform = { module: Platform, global: true, providers, exports: [METRICS, READINESS] };
    app = (
      await Test.createTestingModule({ imports: [platform, AdminModule.forRoot(access)] }).compile()
    ).createNestApplication();
    await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(app.getHttpServer() as { address(): AddressInfo }).address().port}`;
  };
  const loopback = { host: '127.0.0.1', port: 0 };
  const anywhere = { host: '0.0.0.0', port: 0 };

  afterEach(() => app.close());

  it('is healthy as soon as it answers, and ready once nobody holds it back', async () => {
    await open({ listen: loopback });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const starting = await fetch(`${url}/readyz`);
    expect([starting.status, await starting.json()]).toEqual([
      503,
      { status: 'not ready', reasons: ['the node is starting'] },
    ]);
    readiness.release('start');
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it('serves metrics on loopback', async () => {
    await open({ listen: loopback });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(
      'process_resident_memory_bytes{app="test"}',
    );
  });

  it('serves metrics off loopback only with its token', async () => {
    await open({ listen: anywhere });
    expect((await fetch(`${url}/metrics`)).status).toBe(403);
    await app.close();
    await open({ listen: anywhere, token: 'hush' });
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    expect((await fetch(`${url}/metrics`, { headers: { authorization: 'Bearer hush' } })).status).toBe(200);
  });
});
