import { type User, encodeSessionId } from '@derailed/shared/protocol';
import { Connection, type Instant } from './connection';
import type { Effect, Effects } from './effects';

export const bot: User = {
  id: '1000000000000000001',
  username: 'bot',
  discriminator: '0',
  avatar: null,
  email: null,
  flags: 0,
  bot: true,
  system: false,
};
export const person: User = { ...bot, bot: false };
export const sessionId = encodeSessionId({ userId: bot.id, shardId: undefined }, 'A'.repeat(22));
export const binding = { sessionId, epoch: 1 };

/** A connection on a clock that only the test moves. */
export class Desk {
  mono = 0;
  readonly connection: Connection;

  constructor(heartbeatInterval = 41_250, zstd = true) {
    this.connection = new Connection({
      heartbeatInterval,
      identifyTimeout: 30_000,
      identifyDeadline: 14_000,
      payloadWindow: 60_000,
      zstd,
    });
  }

  get now(): Instant {
    return { mono: this.mono, wall: 1_700_000_000_000 + this.mono };
  }

  open(query = 'v=10&encoding=json'): Effects {
    return this.connection.open(query, this.now);
  }

  say(payload: unknown): Effects {
    return this.connection.received(new TextEncoder().encode(JSON.stringify(payload)), this.now);
  }

  identify(fields: object = {}): Effects {
    return this.say({ op: 2, d: { token: 'Bot t', intents: 513, ...fields } });
  }

  /** As far as a bound session that has sent `seq` dispatches. */
  bound(seq = 0, user = bot): this {
    this.open();
    this.connection.authenticated(attemptOf(this.identify()), user, this.now);
    this.connection.bound(binding, seq, this.now);
    return this;
  }

  /** Moves on, waking the connection at each of its deadlines. */
  advance(ms: number): Effects {
    const end = this.mono + ms;
    const effects: Effect[] = [];
    for (let wake = this.connection.nextWake(); wake <= end; wake = this.connection.nextWake()) {
      this.mono = wake;
      effects.push(...this.connection.tick(this.now));
    }
    this.mono = end;
    return effects;
  }
}

export function attemptOf(effects: Effects): number {
  const [effect] = effects;
  if (effect?.kind !== 'authenticate') throw new Error(`not an authenticate: ${JSON.stringify(effects)}`);
  return effect.attempt;
}

export const close = (reason: string): Effect => ({ kind: 'close', reason }) as Effect;
export const ended = (endSession: boolean): Effect => ({ kind: 'ended', binding, endSession });
export const ack: Effect = { kind: 'send', payload: '{"op":11,"d":null,"s":null,"t":null}' };
export const invalid = (resumable: boolean): Effect => ({
  kind: 'send',
  payload: `{"op":9,"d":${resumable},"s":null,"t":null}`,
});
