import { type Snowflake, invalidArgument } from '@derailed/shared/kernel';
import { channelFields, isChannelBound } from '@derailed/shared/protocol';
import { type ParsedData, idField } from './data';

/**
 * The channel that an event for a guild belongs to; empty when the whole guild may see it (protocol.md, section 8).
 *
 * The channel that the monolith named wins, and the data must not name another. When it named none the data's own
 * does, whatever the event is called: top-level `channel_id`, and for CHANNEL_* `id`. A thread is a channel: its
 * events belong to its `id`, or to `parent_id` where they have none, and the monolith may name either.
 *
 * @throws CallError INVALID_ARGUMENT when the data names another channel than the monolith, when what it names is
 * no id, or when nobody names one although events of this name belong to a channel
 */
export function channelOf(name: string, data: ParsedData, named: Snowflake | ''): Snowflake | '' {
  const thread = name.startsWith('THREAD_');
  const fields = thread ? [...channelFields(name), 'parent_id'] : channelFields(name);
  const candidates = fields.map((field) => idField(data, field)).filter((id) => id !== '');
  const own = candidates[0] ?? '';
  if (named !== '') {
    if (own === '' || own === named || (thread && candidates.includes(named))) return named;
    throw invalidArgument('channel_id', `is ${named}, but the data names ${own}`);
  }
  if (own === '' && (isChannelBound(name) || fields[0] === 'id')) {
    throw invalidArgument(
      'channel_id',
      `${name} belongs to a channel, and neither channel_id nor data.${fields.join(', data.')} names it`,
    );
  }
  return own;
}
