import { type IncomingMessage, type Server, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { type Address, formatAddress, readDoorTls } from '@derailed/platform/config';
import { OperatorError } from '@derailed/shared/kernel';
import { WebSocketServer } from 'ws';
import type { Clients } from './clients';
import { type HttpRoutes, pathOf } from './http-routes';
import type { GatewayConfig } from './settings';
import type { Shell } from './shell';
import type { GatewayWsAdapter } from './ws-adapter';

/** Above what a client may send (4,096), so that it is told so with our close code instead of 1009. */
const maxMessageBytes = 256 * 1024;

/** Where clients come in: an HTTP server, and the WebSockets that it is upgraded to. */
export class Door {
  private readonly secure: boolean;
  private readonly server: Server;
  private readonly sockets: WebSocketServer;
  private readonly upgradePaths: ReadonlySet<string>;
  private bound: Address;

  constructor(
    private readonly config: GatewayConfig,
    private readonly clients: Clients,
    private readonly shell: Shell,
    private readonly adapter: GatewayWsAdapter,
    routes: HttpRoutes,
  ) {
    const tls = readDoorTls('GATEWAY', config);
    this.secure = tls !== undefined;
    const limits = {
      maxHeaderSize: 8192,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 5000,
    };
    this.server = tls
      ? createTlsServer({ ...tls, ...limits, requestCert: tls.ca !== undefined })
      : createServer(limits);
    this.sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
      // Text is checked when it is decoded, where a mistake has our close code instead of 1007.
      skipUTF8Validation: true,
      clientTracking: false,
    });
    this.upgradePaths = upgradePaths(config.publicUrl);
    this.bound = config.listen;
    this.server.on('request', (request, response) => {
      routes.handle(request, response);
    });
    this.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.upgrade(request, socket, head);
    });
  }

  /** The address listened on; the real port once it is. */
  get address(): Address {
    return this.bound;
  }

  /** What clients are told to connect to; no query. */
  get publicUrl(): string {
    return this.config.publicUrl ?? `${this.secure ? 'wss' : 'ws'}://${formatAddress(this.bound)}`;
  }

  /** @throws OperatorError when the address can't be listened on */
  listen(): Promise<void> {
    const { listen } = this.config;
    return new Promise((resolve, reject) => {
      this.server.once('error', (error: NodeJS.ErrnoException) => {
        const why =
          error.code === 'EADDRINUSE' ? 'is in use' : `can't be listened on (${error.code ?? error.message})`;
        reject(new OperatorError(`GATEWAY_LISTEN: ${formatAddress(listen)} ${why}.`));
      });
      this.server.listen(listen.port, listen.host, () => {
        const at = this.server.address();
        if (typeof at === 'object' && at !== null) this.bound = { host: listen.host, port: at.port };
        resolve();
      });
    });
  }

  /** Takes no more connections; those that are there stay. */
  shut(): void {
    this.server.close();
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!this.upgradePaths.has(pathOf(request.url ?? '/'))) return refuse(socket, '404 Not Found');
    if (this.clients.full) return refuse(socket, '503 Service Unavailable');
    this.sockets.handleUpgrade(request, socket, head, (ws, { url = '/' }) => {
      const client = this.clients.add(ws, socket);
      ws.on('error', leaveToClose);
      ws.on('close', (code) => {
        this.shell.socketClosed(client, code);
      });
      this.adapter.arrived(client);
      this.shell.run(client, client.connection.open(url.slice(pathOf(url).length + 1), this.shell.now()));
    });
  }
}

/** ws closes by itself after a broken frame; 'close' follows. */
function leaveToClose(): void {}

/** The public URL's path, with and without its last slash, besides `/`: a proxy may pass it on as it is. */
function upgradePaths(publicUrl: string | undefined): ReadonlySet<string> {
  const path = publicUrl === undefined ? '/' : new URL(publicUrl).pathname.replace(/\/$/, '');
  return new Set(['/', path, `${path}/`]);
}

function refuse(socket: Duplex, status: string): void {
  socket.on('error', () => undefined);
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
