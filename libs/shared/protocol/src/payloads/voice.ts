import type { Snowflake } from '@derailed/shared/kernel';

/** Where somebody is in voice, and how. */
export interface VoiceState {
  readonly userId: Snowflake;
  readonly channelId: Snowflake;
  readonly sessionId: string;
  readonly deaf: boolean;
  readonly mute: boolean;
  readonly selfDeaf: boolean;
  readonly selfMute: boolean;
  readonly selfStream: boolean;
  readonly selfVideo: boolean;
  readonly suppress: boolean;
  /** ISO 8601; null: does not ask to speak. */
  readonly requestToSpeak: string | null;
}

/** One of the voice_states of GUILD_CREATE, where the guild is known. Its member has to be among the members: hikari raises. */
export function voiceStateJson(state: VoiceState): string {
  return JSON.stringify({
    user_id: state.userId,
    channel_id: state.channelId,
    session_id: state.sessionId,
    deaf: state.deaf,
    mute: state.mute,
    self_deaf: state.selfDeaf,
    self_mute: state.selfMute,
    self_stream: state.selfStream,
    self_video: state.selfVideo,
    suppress: state.suppress,
    request_to_speak_timestamp: state.requestToSpeak,
  });
}
