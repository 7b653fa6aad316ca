/** What an audience belongs to; the numbers of derailed.link.v1.AudienceKind. */
export const Kind = { guild: 1, user: 2 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** An event on its way (derailed.link.v1.Event): name and JSON text in UTF-8. `d` is data followed by own. */
export interface Event {
  id: string;
  name: string;
  data: Uint8Array;
  own: Uint8Array;
  volatile: boolean;
  /** When the tunnel took it, in milliseconds since the Unix epoch; only measured, never decided by. */
  publishedAt?: number | undefined;
}

/** An event with its place in an audience and who may see it; field by field derailed.link.v1.AudienceEvent. */
export interface AudienceEvent {
  kind: number;
  audienceId: string;
  index: number;
  event: Event | undefined;
  channelId: string;
  intents: number;
  permissions: string;
  endsUserId: string;
  alwaysUserId: string;
  closeCode: number;
  joinsGuildId: string;
  leavesGuildId: string;
  aboutUserId: string;
  aboutOffline: boolean;
  /** Not empty, or sessionIds is not: whom the event is for, whatever channelId says. */
  classIds: number[];
  sessionIds: string[];
  exceptSessionIds: string[];
  /** Only for classes that may manage the channel. */
  managesChannel: boolean;
  /** Each once: these users' sessions get it with one of alsoIntents too. */
  alsoUserIds: string[];
  alsoIntents: number;
}

/** An event that has no index yet. Leave out what does not apply. */
export type Draft = { event: Event } & Partial<
  Omit<AudienceEvent, 'kind' | 'audienceId' | 'index' | 'event'>
>;
