import type { Admission, Effects, Instant } from '@derailed/gateway/core';
import type { AuthClient } from '@derailed/platform/auth-client';
import type { Logger } from '@derailed/platform/observability';
import type { Clock } from '@derailed/shared/kernel';
import { type CloseReason, type RawPayload, closeRows } from '@derailed/shared/protocol';
import type { Client } from './client';
import type { Clients } from './clients';
import type { Flusher } from './flusher';
import type { GatewayMetrics } from './metrics';
import type { Outbox } from './outbox';
import type { SessionSender } from './session-sender';
import type { Wires } from './wire/wires';

/** What the shell works with. */
export interface ShellParts {
  readonly clients: Clients;
  readonly flusher: Flusher;
  readonly wires: Wires;
  readonly admission: Admission;
  readonly sender: SessionSender;
  readonly auth: Pick<AuthClient, 'authenticate'>;
  readonly clock: Clock;
  readonly metrics: GatewayMetrics;
  readonly logger: Logger;
  /** Milliseconds that a peer may take to answer a close. */
  readonly closeTimeout: number;
}

/** Does what connections want done: turns their effects into frames, messages and closes. */
export class Shell {
  constructor(private readonly parts: ShellParts) {}

  now(): Instant {
    const { clock } = this.parts;
    return { mono: clock.monotonic(), wall: clock.now() };
  }

  /** A payload of the client, decoded as far as its opcode. */
  handle(client: Client, raw: RawPayload): void {
    try {
      this.run(client, client.connection.handle(raw, this.now()));
    } catch (error) {
      this.parts.logger.error({ error, op: raw.op }, 'a payload could not be handled');
      this.run(client, client.connection.close('unknown_error'));
    }
  }

  run(client: Client, effects: Effects): void {
    const { sender, flusher, wires, admission } = this.parts;
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.send(client, effect.payload);
          break;
        case 'wire':
          // What waits was put there for the wire that was.
          flusher.flushNow(client.outbox);
          client.outbox.wire = wires.open(effect.encoding, effect.compression);
          break;
        case 'authenticate':
          if (admission.enter(client.number, client.connection.entering ?? 'identify', this.now().mono))
            this.authenticate(client, effect.attempt, effect.token);
          break;
        case 'identify':
          client.peer = undefined;
          if (!sender.identify(client, effect.order, effect.ringKey))
            this.run(client, client.connection.unreachable());
          break;
        case 'resume':
          client.peer = undefined;
          if (!sender.resume(client, effect.order, effect.ringKey))
            this.run(client, client.connection.unreachable());
          break;
        case 'set-presence':
          sender.setPresence(client, effect.binding, effect.presence);
          break;
        case 'request-members':
          sender.requestMembers(client, effect.binding, effect.request);
          break;
        case 'ended':
          if (client.peer) sender.ended(client.peer.id, client.number, effect.binding, effect.endSession);
          break;
        case 'close':
          this.close(client, effect.reason);
          break;
      }
    }
    this.settle(client);
  }

  /** Whether it is in or gone: then its turn is the next one's. */
  settle({ number, connection }: Client): void {
    if (connection.entering === undefined) this.admit(this.parts.admission.leave(number));
  }

  /** Those whose turn did not come in time. */
  turnAway(): void {
    const { admission, clients } = this.parts;
    const { away, next } = admission.turnAway(this.now().mono);
    for (const number of away) {
      const client = clients.get(number);
      if (client) this.run(client, client.connection.turnedAway(this.now()));
    }
    this.admit(next);
  }

  private admit(numbers: readonly number[]): void {
    for (const number of numbers) {
      const client = this.parts.clients.get(number);
      if (client) this.run(client, client.connection.turn());
    }
  }

  /** The socket is gone. @param code of the close frame that came, 1005 or 1006 when none did */
  socketClosed(client: Client, code: number): void {
    const { clients, metrics } = this.parts;
    if (!client.connection.isClosed)
      metrics.closed(code === 1000 || code === 1001 ? 'client_goodbye' : 'client_gone');
    this.run(client, client.connection.socketClosed(code));
    client.outbox.close();
    clients.remove(client);
  }

  /** The client's socket does not drain, or does again: its session sends less until then. */
  pressure({ connection }: Outbox, pressed: boolean): void {
    const { clients, metrics, sender } = this.parts;
    if (pressed) metrics.pressed.inc();
    const client = clients.get(connection);
    const binding = client?.connection.binding;
    if (client && binding) sender.pressure(client, binding, pressed);
  }

  /** More waits in the client's socket than may. What the session sent since is not added to it. */
  tooSlow(outbox: Outbox): void {
    outbox.clear();
    const client = this.parts.clients.get(outbox.connection);
    if (client) this.run(client, client.connection.close('too_slow'));
  }

  private send(client: Client, payload: string): void {
    client.say(payload);
    this.parts.flusher.enqueue(client.outbox);
  }

  private close({ ws, outbox }: Client, reason: CloseReason): void {
    const { clock, closeTimeout, flusher, metrics } = this.parts;
    metrics.closed(reason);
    flusher.flushNow(outbox);
    outbox.close();
    ws.close(closeRows[reason].code, closeRows[reason].reason);
    clock.after(closeTimeout, () => {
      ws.terminate();
    });
  }

  private authenticate(client: Client, attempt: number, token: string): void {
    const { auth, logger } = this.parts;
    const { connection } = client;
    auth.authenticate(token).then(
      (answer) => {
        const now = this.now();
        this.run(
          client,
          answer.ok
            ? connection.authenticated(attempt, answer.user, now)
            : connection.authenticationFailed(attempt, answer.reason, now),
        );
      },
      (error: unknown) => {
        logger.error({ error }, 'a token could not be checked');
        this.run(client, connection.authenticationFailed(attempt, 'unavailable', this.now()));
      },
    );
  }
}
