import { AudienceKind, Envelope } from '@derailed/shared/contract';
import golden from './move-messages.golden.json';

const none = Buffer.alloc(0);
const event = { id: 'e1', name: 'MESSAGE_CREATE', data: Buffer.from('{"a":1}'), own: none, volatile: false };
const point = {
  kind: AudienceKind.AUDIENCE_KIND_GUILD,
  audienceId: '100',
  owner: 'g:1',
  ownerIncarnation: 'x',
};

/** What a session-node of this version makes of what one of the version before hands over. */
const messages: Record<keyof typeof golden, NonNullable<Envelope['message']>> = {
  sessionOffer: {
    $case: 'sessionOffer',
    value: {
      sessionId: '7..token',
      generation: 12,
      traits: {
        userId: '7',
        bot: true,
        intents: 513,
        sharded: true,
        shardId: 1,
        shardCount: 4,
        largeThreshold: 50,
        version: 10,
        resumeGatewayUrl: 'ws://gateway',
        client: 'web',
      },
      guildIds: ['100', '200'],
    },
  },
  replayEvents: {
    $case: 'replayEvents',
    value: {
      shelf: 3,
      first: 41,
      events: [
        { event, dataOf: undefined },
        {
          event: { ...event, id: '', name: 'GUILD_CREATE', data: none, own: Buffer.from(',"b":2}') },
          dataOf: 7,
        },
      ],
    },
  },
  recentEvents: {
    $case: 'recentEvents',
    value: { shelf: 3, kind: AudienceKind.AUDIENCE_KIND_USER, audienceId: '7', ids: ['e1', 'e2'] },
  },
  sessionState: {
    $case: 'sessionState',
    value: {
      sessionId: '7..token',
      shelf: 3,
      recentIds: 2,
      epoch: 4,
      firstSeq: 90,
      replay: [41, 42, 41],
      points: [{ ...point, index: 77, term: 2 }],
      entering: [{ guildId: '200', outage: true }],
      presence: { status: 'dnd', activities: '[]', client: 'web' },
      shown: true,
      connection: { gateway: 'w:1', incarnation: 'y', connection: 9, nextSeq: 93, replaying: false },
      awayMs: 0,
      missed: [{ guildId: '100', userId: '8', event: 42 }],
      memberRequests: [
        {
          sessionId: '7..token',
          epoch: 4,
          guildId: '100',
          hasQuery: true,
          query: 'a',
          limit: 5,
          userIds: [],
          presences: false,
          nonce: 'n',
        },
      ],
      memberListTurns: [{ guildId: '100', waitMs: 1500 }],
      generation: 12,
      hop: 0,
    },
  },
};

describe('what goes along with a session', () => {
  it.each(Object.keys(messages) as (keyof typeof golden)[])(
    'is read as it was written when it was agreed on: %s',
    (kind) => {
      const { message } = Envelope.decode(Buffer.from(golden[kind], 'base64'));
      expect(message).toEqual(messages[kind]);
      const bytes = Envelope.encode({ call: 0, isReply: false, message: messages[kind] }).finish();
      expect(Buffer.from(bytes).toString('base64')).toBe(golden[kind]);
    },
  );
});
