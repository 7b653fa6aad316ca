import type { User } from '../model';
import { helloPayload } from '../payloads/control';
import { membersChunk, presenceUpdateJson } from '../payloads/members';
import { rateLimitedJson, readyPayload, resumedPayload } from '../payloads/session';
import { serverFields } from './server-fields';

const user: User = {
  id: '1',
  username: 'n',
  discriminator: '0',
  avatar: null,
  email: null,
  flags: 0,
  bot: false,
  system: false,
};

/** Each payload with all that it can have. */
const payloads: Readonly<Record<keyof typeof serverFields, unknown>> = {
  HELLO: (JSON.parse(helloPayload(41_250)) as { d: unknown }).d,
  READY: JSON.parse(
    readyPayload({
      user,
      guildIds: ['2'],
      sessionId: 's',
      resumeGatewayUrl: 'ws://x',
      shard: [0, 1],
      guildPositions: ['2'],
    }),
  ),
  RESUMED: JSON.parse(resumedPayload()),
  GUILD_MEMBERS_CHUNK: JSON.parse(
    membersChunk({
      guildId: '2',
      members: [],
      chunkIndex: 0,
      chunkCount: 1,
      notFound: [],
      presences: [],
      nonce: 'n',
    }),
  ),
  PRESENCE_UPDATE: JSON.parse(
    presenceUpdateJson({ userId: '1', guildId: '2', status: 'idle', activities: '[]', clientStatus: '{}' }),
  ),
  RATE_LIMITED: JSON.parse(rateLimitedJson(8, 1.5, '2', 'n')),
};

it.each(Object.entries(payloads))('%s has the fields that its table says, and no others', (name, payload) => {
  expect(Object.keys(payload as object).sort()).toEqual(
    Object.keys(serverFields[name as keyof typeof serverFields]).sort(),
  );
});
