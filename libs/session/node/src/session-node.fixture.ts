import type { Mesh, Message, MessageCase, MessageOf } from '@derailed/platform/mesh';
import { DatabaseUnavailable } from '@derailed/platform/persistence';
import type { Member, User } from '@derailed/shared/protocol';

export const user: User = {
  id: '7',
  username: 'ada',
  discriminator: '0',
  avatar: null,
  email: null,
  flags: 0,
  bot: false,
  system: false,
};

export function memberOf(at: number): Member {
  const id = String(1000 + at);
  return {
    user: { ...user, id },
    nick: null,
    joinedAt: '2026-01-01T00:00:00+00:00',
    communicationDisabledUntil: null,
    roleIds: [],
  };
}

/** What the database answers; `away` makes every read fail. */
export class Rows {
  away = false;
  members = Array.from({ length: 2500 }, (_, at) => memberOf(at));

  readonly users = {
    guildCount: () => this.answer(2_001),
    readiness: () =>
      this.answer({
        user,
        settings: { status: 'idle' },
        guildIds: ['100'],
        guildPositions: [{ guildId: '100', position: 0 }],
        activities: [],
      }),
  };
  readonly memberRows = {
    count: () => this.answer(this.members.length),
    page: (_guildId: string, { afterUserId = '0', limit }: { afterUserId?: string; limit: number }) =>
      this.answer(
        this.members.filter(({ user: { id } }) => Number(id) > Number(afterUserId)).slice(0, limit),
      ),
    search: (_guildId: string, query: string, limit: number) =>
      this.answer(
        this.members.filter(({ user: { username } }) => username.startsWith(query)).slice(0, limit),
      ),
    byIds: (_guildId: string, ids: readonly string[]) =>
      this.answer(this.members.filter(({ user: { id } }) => ids.includes(id))),
  };

  private answer<T>(value: T): Promise<T> {
    return this.away ? Promise.reject(new DatabaseUnavailable(new Error('gone'))) : Promise.resolve(value);
  }
}

const textOf = (bytes: Uint8Array = new Uint8Array()): string => Buffer.from(bytes).toString();

/** The other roles, each a mesh of its own that keeps what it hears. */
export class Peer {
  readonly heard: Message[] = [];

  constructor(
    readonly mesh: Mesh,
    kinds: readonly MessageCase[],
  ) {
    for (const kind of kinds)
      mesh.onMessage(kind, (value) => this.heard.push({ $case: kind, value } as Message));
  }

  all<C extends MessageCase>(kind: C): MessageOf<C>[] {
    return this.heard.flatMap((message) => (message.$case === kind ? [message.value as MessageOf<C>] : []));
  }

  dispatches(): { seq: number | undefined; name: string; d: Record<string, unknown> }[] {
    return this.all('deliver').map(({ event, seqs }) => ({
      seq: seqs[0],
      name: event?.name ?? '',
      d: JSON.parse(textOf(event?.data) + textOf(event?.own)) as Record<string, unknown>,
    }));
  }
}
