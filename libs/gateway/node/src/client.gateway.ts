import { Inject } from '@nestjs/common';
import { Op, type RawPayload } from '@derailed/shared/protocol';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Client } from './client';
import { Shell } from './shell';

/** The opcodes that clients may send. An opcode without a handler here is closed with 4001 by the adapter's fallback. */
@WebSocketGateway()
export class ClientGateway {
  constructor(@Inject(Shell) private readonly shell: Shell) {}

  @SubscribeMessage(Op.HEARTBEAT)
  heartbeat(client: Client, payload: RawPayload): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.IDENTIFY)
  identify(client: Client, payload: RawPayload): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.RESUME)
  resume(client: Client, payload: RawPayload): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.PRESENCE_UPDATE)
  updatePresence(client: Client, payload: RawPayload): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.REQUEST_GUILD_MEMBERS)
  requestGuildMembers(client: Client, payload: RawPayload): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.VOICE_STATE_UPDATE)
  updateVoiceState(client: Client, payload: RawPayload): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.REQUEST_SOUNDBOARD_SOUNDS)
  requestSoundboardSounds(client: Client, payload: RawPayload): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.REQUEST_CHANNEL_INFO)
  requestChannelInfo(client: Client, payload: RawPayload): void {
    this.shell.handle(client, payload);
  }
}
