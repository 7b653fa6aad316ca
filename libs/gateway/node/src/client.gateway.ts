import { Inject } from '@nestjs/common';
import { Op } from '@derailed/shared/protocol';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Shell } from './shell';
import type { Incoming } from './ws-adapter';

/** The opcodes that clients may send. An opcode without a handler here is closed with 4001 by the adapter's fallback. */
@WebSocketGateway()
export class ClientGateway {
  constructor(@Inject(Shell) private readonly shell: Shell) {}

  @SubscribeMessage(Op.HEARTBEAT)
  heartbeat(_inbox: unknown, { client, payload }: Incoming): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.IDENTIFY)
  identify(_inbox: unknown, { client, payload }: Incoming): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.RESUME)
  resume(_inbox: unknown, { client, payload }: Incoming): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.PRESENCE_UPDATE)
  updatePresence(_inbox: unknown, { client, payload }: Incoming): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.REQUEST_GUILD_MEMBERS)
  requestGuildMembers(_inbox: unknown, { client, payload }: Incoming): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.VOICE_STATE_UPDATE)
  updateVoiceState(_inbox: unknown, { client, payload }: Incoming): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.REQUEST_SOUNDBOARD_SOUNDS)
  requestSoundboardSounds(_inbox: unknown, { client, payload }: Incoming): void {
    this.shell.handle(client, payload);
  }

  @SubscribeMessage(Op.REQUEST_CHANNEL_INFO)
  requestChannelInfo(_inbox: unknown, { client, payload }: Incoming): void {
    this.shell.handle(client, payload);
  }
}
