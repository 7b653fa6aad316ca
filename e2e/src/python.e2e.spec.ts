import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PRIVILEGED_INTENTS, VALID_INTENTS } from '@derailed/shared/protocol';
import { demo } from './demo';
import { DiscordClient } from './discord-client';
import { type Wiring, wirings } from './wiring';

/** A Python with clients/python installed; .ci/run makes one. */
const python = process.env['DERAILED_PYTHON'];
const count = 10_000;

if (python === undefined) {
  process.stderr.write(
    'left out: the Python publisher end to end; DERAILED_PYTHON names no Python with clients/python installed\n',
  );
}

(python === undefined ? describe.skip : describe).each(wirings)(
  'a monolith in Python, the gateway %s',
  (_, start) => {
    let wiring: Wiring;

    beforeAll(async () => {
      wiring = await start();
    }, 60_000);

    afterAll(() => wiring.stop(), 30_000);

    it('publishes 10,000 events that an unmodified client has in order, seq without gaps', async () => {
      const client = await DiscordClient.connect(
        wiring.gateway,
        wiring.token(demo.bot),
        VALID_INTENTS & ~PRIVILEGED_INTENTS,
      );
      await client.until((received) => received.length >= 1 + demo.guilds.length);
      const script = [
        join(__dirname, 'publish_many.py'),
        wiring.tunnel,
        demo.guild,
        demo.channel,
        String(count),
      ];
      const { stdout } = await promisify(execFile)(python ?? '', script);
      expect(stdout).toBe(`${count} acknowledged, sessions [1]\n`);
      await client.until((received) => received.length >= count + 1 + demo.guilds.length);
      expect(client.named('MESSAGE_CREATE').map(({ d }) => Number(d['id']))).toEqual(
        Array.from({ length: count }, (_item, at) => at + 1),
      );
      expect(client.received.map(({ s }) => s)).toEqual(
        Array.from({ length: client.received.length }, (_item, at) => at + 1),
      );
      await client.close();
    }, 120_000);
  },
);
