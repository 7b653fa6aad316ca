import { Audience, type AudienceLimits, type Event, Kind } from '@derailed/audience/core';
import type { Inbound, Outbound } from './messages';
import { eventOf } from './world.fixture';

/** The guild-node of a Town: real audiences, in which everybody sees everything. */
export class TownGuilds {
  private readonly byId = new Map<string, Audience<string>>();

  constructor(
    private readonly limits: AudienceLimits,
    private readonly send: (node: string, flow: string, message: Inbound) => void,
    private readonly acked: (eventId: string) => void,
  ) {}

  /** It starts anew. */
  forget(): void {
    this.byId.clear();
  }

  publish(guildId: string, id: string, fields: Partial<Event>, now: number): void {
    const event = { ...eventOf(id, 'MESSAGE_CREATE', `"${guildId} ${id}"`), ...fields };
    const { event: sent, nodes, settled } = this.guild(guildId).publish({ event }, id, now);
    this.settled(settled);
    if (sent === undefined) return;
    for (const node of nodes) this.send(node, `g:${guildId}`, { $case: 'audienceEvent', value: sent });
  }

  private guild(id: string): Audience<string> {
    let audience = this.byId.get(id);
    if (audience === undefined) {
      const behind = (node: string, needs: number): void => this.settled(this.guild(id).known(node, needs));
      this.byId.set(id, (audience = new Audience<string>(Kind.guild, id, { behind }, this.limits)));
    }
    return audience;
  }

  /** What a session-node says. */
  hear(node: string, message: Outbound, now: number): void {
    switch (message.$case) {
      case 'subscribe': {
        const { audienceId, sessionId, wantsSnapshot, view } = message.value;
        const audience = this.guild(audienceId);
        audience.subscribe(node, sessionId);
        const flow = `g:${audienceId}`;
        const classTable = {
          guildId: audienceId,
          classId: 1,
          channelIds: [],
          permissions: '0',
          managedChannelIds: [],
        };
        this.send(node, flow, { $case: 'classTable', value: classTable });
        const snapshot = wantsSnapshot ? eventOf('', 'GUILD_CREATE', `{"id":"${audienceId}"}`) : undefined;
        const common = { kind: Kind.guild, audienceId, index: audience.index, sessionId, classId: 1 };
        this.send(node, flow, {
          $case: 'subscribed',
          value: { ...common, snapshot, sameData: false, shownUserIds: [], term: 1, view },
        });
        break;
      }
      case 'unsubscribe':
        for (const sessionId of message.value.sessionIds)
          this.settled(this.guild(message.value.audienceId).unsubscribe(node, sessionId));
        break;
      case 'audienceAck': {
        const { audienceId, index, sessions } = message.value;
        this.settled(this.guild(audienceId).ack(node, index, sessions, now).settled);
        break;
      }
      case 'audienceSync': {
        const audience = this.guild(message.value.audienceId);
        const { settled, catchUp } = audience.sync(node, message.value.index);
        this.settled(settled);
        for (const event of catchUp?.events ?? [])
          this.send(node, `g:${audience.id}`, { $case: 'audienceEvent', value: event });
        break;
      }
      default:
        break;
    }
  }

  private settled(settled: readonly { readonly ticket: string }[]): void {
    for (const { ticket } of settled) this.acked(ticket);
  }
}
