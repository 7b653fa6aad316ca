import { once } from 'node:events';
import { WebSocket } from 'ws';

/** How one request for members was answered. */
export interface Answer {
  readonly ms: number;
  readonly chunks: number;
  readonly members: number;
}

/** A client that requests members (op 8), and looks into nothing else. */
export class Asker {
  private nonce = 0;
  private onChunk: ((text: string) => void) | undefined;

  private constructor(private readonly ws: WebSocket) {}

  /** When it has READY and its guild. @param at HOST:PORT */
  static async open(at: string, token: string, intents: number): Promise<Asker> {
    const ws = new WebSocket(`ws://${at}/?v=10&encoding=json`);
    const asker = new Asker(ws);
    const entered = new Promise<void>((resolve) => {
      ws.on('message', (data: Buffer) => {
        const name = nameOf(data);
        if (name === 'GUILD_CREATE') resolve();
        else if (name === 'GUILD_MEMBERS_CHUNK') asker.onChunk?.(data.toString());
        else if (name === 'RATE_LIMITED') throw new Error('a request for members was refused');
      });
    });
    await once(ws, 'open');
    const properties = { os: 'linux', browser: 'bench', device: 'bench' };
    ws.send(JSON.stringify({ op: 2, d: { token, intents, properties } }));
    await entered;
    return asker;
  }

  /** Until the last chunk is here. */
  request(guildId: string, fields: Readonly<Record<string, unknown>>): Promise<Answer> {
    const nonce = String(++this.nonce);
    const start = performance.now();
    let members = 0;
    let chunks = 0;
    return new Promise((resolve, reject) => {
      this.ws.once('close', (code) => {
        reject(new Error(`the asking client lost its socket (close code ${code})`));
      });
      this.onChunk = (text) => {
        const { d } = JSON.parse(text) as { d: { members: unknown[]; chunk_count: number; nonce: string } };
        if (d.nonce !== nonce) return;
        members += d.members.length;
        if (++chunks !== d.chunk_count) return;
        this.ws.removeAllListeners('close');
        resolve({ ms: performance.now() - start, chunks, members });
      };
      this.ws.send(JSON.stringify({ op: 8, d: { guild_id: guildId, nonce, ...fields } }));
    });
  }

  beat(): void {
    this.ws.send('{"op":1,"d":null}');
  }

  leave(): void {
    this.ws.terminate();
  }
}

/** The name of a dispatch, wherever in the frame's head it stands. */
function nameOf(data: Buffer): string | undefined {
  return /"t":"([A-Z_]+)"/.exec(data.toString('latin1', 0, 100))?.[1];
}
