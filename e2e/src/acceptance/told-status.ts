import type { RawClient } from '../raw-client';
import { type Player, cast } from './cast';

type Shown = Readonly<Record<string, unknown>>;

/** What the watcher was told last of the player in that guild, in GUILD_CREATE or since; undefined: nothing. */
export function toldStatus(watcher: RawClient, player: Player, guildId: string): unknown {
  const told = watcher.received.flatMap(({ t, d }): readonly Shown[] => {
    if (t === 'PRESENCE_UPDATE') return d['guild_id'] === guildId ? [d] : [];
    return t === 'GUILD_CREATE' && d['id'] === guildId ? (d['presences'] as Shown[]) : [];
  });
  return told.filter(({ user }) => (user as Shown)['id'] === cast[player].id).at(-1)?.['status'];
}
