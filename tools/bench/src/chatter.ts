import type { Message } from './message';
import type { Publisher } from './publisher';

const words = (
  'the of and to a in is it you that he was for on are with as I his they be at one have this from or had by hot but ' +
  'some what there we can out other were all your when up use word how said an each she which do their time if will ' +
  'way about many then them would write like so these her long make thing see him two has look more day could go come'
).split(' ');

/** Numbers that look random and are the same in each run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % below;
  };
}

/** Messages as a busy channel has them: 40 people with roles, texts of 2 to 19 words, all fields that clients expect. */
export function chatter(count: number, guildId: string, channelId: string): readonly Message[] {
  const below = generator(7);
  return Array.from({ length: count }, (_, at) => {
    const author = below(40);
    const sent = 1_700_000_000_000 + at * 1350 + below(1000);
    const data = {
      id: String((BigInt(sent - 1_420_070_400_000) << 22n) | BigInt(below(4096))),
      type: 0,
      channel_id: channelId,
      guild_id: guildId,
      author: {
        id: `1000000000000${1000 + author}`,
        username: `user${author}`,
        discriminator: '0',
        global_name: null,
        avatar: null,
        bot: false,
      },
      member: {
        roles: [`3000000000000${1000 + below(6)}`],
        joined_at: `2024-0${1 + (author % 9)}-11T10:00:00.000Z`,
        deaf: false,
        mute: false,
        flags: 0,
      },
      content: Array.from({ length: 2 + below(18) }, () => words[below(words.length)]).join(' '),
      timestamp: new Date(sent).toISOString(),
      edited_timestamp: null,
      tts: false,
      mention_everyone: false,
      mentions: [],
      mention_roles: [],
      attachments: [],
      embeds: [],
      pinned: false,
    };
    return { name: 'MESSAGE_CREATE', data: JSON.stringify(data) };
  });
}

/** A publisher that publishes these in turn, whatever it is given. */
export function inTurn(publisher: Publisher, messages: readonly Message[]): Publisher {
  let next = 0;
  return {
    ...publisher,
    publish: (_message, done) => {
      publisher.publish(messages[next++ % messages.length]!, done);
    },
  };
}
