import { WebSocket } from 'ws';

/** How a client of the storm gets in. */
export interface Invitation {
  /** HOST:PORT of a ws-gateway. */
  readonly at: string;
  /** Where it comes from: an address of loopback. */
  readonly from: string;
  readonly token: string;
  readonly intents: number;
  /** Guilds that it is in. */
  readonly guilds: number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export interface Newcomer {
  /** Milliseconds from `start` until READY, and until the last guild. */
  readonly readyMs: number;
  readonly enteredMs: number;
  /** Connections that it needed. */
  readonly attempts: number;
  leave(): void;
}

const firstPause = 500;
const longestPause = 8_000;
/** Libraries give up on a connection that has no READY after this time. */
const patience = 15_000;
/** The name of a dispatch and an opcode stand in the first bytes of a frame. */
const headBytes = 80;

/**
 * Connects and identifies until it has READY and all its guilds, as libraries do: pauses grow and are jittered, op 9 is
 * waited out. It looks at the heads of frames only, for its process has to bear ten thousand.
 */
export function enter(invitation: Invitation, start: number): Promise<Newcomer> {
  return new Promise((resolve) => {
    let attempts = 0;
    let readyMs = 0;
    const attempt = (): void => {
      attempts++;
      let guilds = 0;
      let isIn = false;
      const socket = new WebSocket(`ws://${invitation.at}/?v=10&encoding=json`, {
        perMessageDeflate: false,
        localAddress: invitation.from,
        handshakeTimeout: patience * 2,
      });
      const guard = (): NodeJS.Timeout => setTimeout(() => socket.terminate(), patience);
      let patienceEnds: NodeJS.Timeout | undefined;
      socket.on('open', () => {
        patienceEnds = guard();
        identify(socket, invitation);
      });
      socket.on('message', (data: Buffer) => {
        const head = data.toString('latin1', 0, headBytes);
        if (head.includes('"op":9')) {
          const pause = 1_000 + invitation.random() * 4_000;
          clearTimeout(patienceEnds);
          patienceEnds = setTimeout(() => {
            patienceEnds = guard();
            identify(socket, invitation);
          }, pause);
          return;
        }
        if (head.includes('"t":"READY"')) {
          clearTimeout(patienceEnds);
          readyMs = performance.now() - start;
        } else if (head.includes('"t":"GUILD_CREATE"')) guilds++;
        if (isIn || readyMs === 0 || guilds < invitation.guilds) return;
        isIn = true;
        const enteredMs = performance.now() - start;
        resolve({ readyMs, enteredMs, attempts, leave: () => socket.terminate() });
      });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearTimeout(patienceEnds);
        if (isIn) return;
        readyMs = 0;
        const pause = Math.min(longestPause, firstPause * 2 ** (attempts - 1));
        setTimeout(attempt, pause * (0.5 + invitation.random() / 2));
      });
    };
    attempt();
  });
}

function identify(socket: WebSocket, { token, intents }: Invitation): void {
  const properties = { os: 'linux', browser: 'storm', device: 'storm' };
  if (socket.readyState === WebSocket.OPEN)
    socket.send(JSON.stringify({ op: 2, d: { token, intents, properties } }));
}
