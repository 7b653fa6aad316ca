import { type IncomingMessage, type Server, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Address, formatAddress, readDoorTls } from '@derailed/platform/config';
import { OperatorError } from '@derailed/shared/kernel';
import { limits } from '@derailed/shared/protocol';
import { type Server as SocketServer, type WebSocket, WebSocketServer } from 'ws';
import { TrustedProxies, callerKey } from './addresses';
import { Arrivals } from './arrivals';
import { Callers } from './callers';
import type { Client } from './client';
import type { ClientSide } from './client-side';
import { ClientSocket } from './client-socket';
import { type HttpRoutes, pathOf } from './http-routes';
import type { Refusal } from './metrics';
import { Pace } from './pace';
import type { GatewayConfig } from './settings';

/** Connections beyond MAX_CONNECTIONS that are still accepted: HTTP calls, and refusals that say why. */
const spareConnections = 1000;

/** Upgrades in one turn of the event loop: about 0.2 ms each, and the requests of a storm are all read in one turn. */
const upgradesPerTurn = 16;

/** Pongs that may wait: the window for pings bounds them, and has a close code. The types lack this option of `ws`. */
const anyPongs = { maxPendingAutoPongs: 0 };

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Where clients come in: an HTTP server, and the WebSockets that it is upgraded to. */
export class Door {
  private readonly secure: boolean;
  private readonly arrivals: Arrivals;
  private readonly server: Server;
  private readonly sockets: SocketServer<typeof ClientSocket>;
  private readonly proxies: TrustedProxies;
  private readonly callers: Callers;
  private readonly upgradePaths: ReadonlySet<string>;
  private bound: Address;

  constructor(
    private readonly config: GatewayConfig,
    private readonly side: ClientSide,
    routes: HttpRoutes,
  ) {
    const tls = readDoorTls('GATEWAY', config);
    this.secure = tls !== undefined;
    const { handshakeTimeout } = config;
    const bounds = {
      maxHeaderSize: 8192,
      headersTimeout: handshakeTimeout,
      requestTimeout: handshakeTimeout,
      keepAliveTimeout: 5000,
      // Node looks for late ones every 30 s by itself.
      connectionsCheckingInterval: Math.min(1000, handshakeTimeout),
    };
    this.server = tls
      ? createTlsServer({ ...tls, ...bounds, handshakeTimeout, requestCert: tls.ca !== undefined })
      : createServer(bounds);
    this.proxies = new TrustedProxies(config.trustedProxies);
    this.callers = new Callers(config.maxConnectionsPerIp);
    this.sockets = new WebSocketServer({
      noServer: true,
      WebSocket: ClientSocket,
      perMessageDeflate: false,
      // ws would take the first one that is offered.
      handleProtocols: () => false,
      maxPayload: limits.payloadBytes,
      maxFragments: limits.fragments,
      ...anyPongs,
      // Text is checked when it is decoded, where a mistake has our close code instead of 1007.
      skipUTF8Validation: true,
      clientTracking: false,
    });
    this.upgradePaths = upgradePaths(config.publicUrl);
    this.bound = config.listen;
    this.arrivals = new Arrivals(config.maxConnections + spareConnections, {
      admit: (socket) => this.admit(socket),
      begin: (socket) => void this.server.emit('connection', socket),
      turn: setImmediate,
    });
    this.server.on('request', (request, response) => {
      routes.handle(request, response);
    });
    const upgrades = new Pace<Upgrade>(upgradesPerTurn, setImmediate, (upgrade) => {
      this.upgrade(upgrade);
    });
    this.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // While it waits nobody else hears its errors; its end is seen when its turn comes.
      socket.on('error', leaveToClose);
      upgrades.add({ request, socket, head });
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
  async listen(): Promise<void> {
    const { listen } = this.config;
    try {
      const { port } = await this.arrivals.listen(listen);
      this.bound = { host: listen.host, port };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code === 'EADDRINUSE' ? 'is in use' : `can't be listened on (${code ?? message})`;
      throw new OperatorError(`GATEWAY_LISTEN: ${formatAddress(listen)} ${why}.`);
    }
    // An HTTP server looks for late requests from this event on; it does not listen itself.
    this.server.emit('listening');
  }

  /** Takes no more connections; those that are there stay. */
  shut(): void {
    this.arrivals.shut();
    this.server.close();
  }

  /** Whoever is not a proxy is counted from its first packet on, not only when it asks for an upgrade. */
  private admit(socket: Socket): boolean {
    const address = socket.remoteAddress;
    // It is gone already.
    if (address === undefined) socket.destroy();
    else if (this.proxies.includes(address) || this.enter(address, socket)) return true;
    else {
      this.side.metrics.refused('per_address');
      // Below TLS there is nothing that could be said.
      if (this.secure) socket.destroy();
      else this.answer(socket, '429 Too Many Requests');
    }
    return false;
  }

  /** False: that address has all the connections that it may have. */
  private enter(address: string, socket: Duplex): boolean {
    const key = callerKey(address);
    if (!this.callers.enter(key)) return false;
    socket.once('close', () => {
      this.callers.leave(key);
    });
    return true;
  }

  private upgrade({ request, socket, head }: Upgrade): void {
    if (socket.destroyed) return;
    if (!this.upgradePaths.has(pathOf(request.url ?? '/')))
      return this.refuse(socket, 'path', '404 Not Found');
    if (this.side.clients.full) return this.refuse(socket, 'full', '503 Service Unavailable');
    const peer = request.socket.remoteAddress;
    if (peer !== undefined && this.proxies.includes(peer)) {
      const forwardedFor = [request.headers['x-forwarded-for'] ?? ''].flat().join();
      if (!this.enter(this.proxies.clientOf(forwardedFor, peer), socket))
        return this.refuse(socket, 'per_address', '429 Too Many Requests');
    }
    this.sockets.handleUpgrade(request, socket, head, (ws, { url = '/' }) => {
      const client = this.side.enter(ws, socket, url.slice(pathOf(url).length + 1));
      ws.client = client;
      ws.onBroken = this.broken;
      ws.on('ping', this.controlFrame);
      ws.on('pong', this.controlFrame);
      ws.on('error', leaveToClose);
      ws.on('close', (code) => {
        this.side.shell.socketClosed(client, code);
      });
    });
  }

  private readonly broken = (client: Client, reason: 'payload_too_large' | 'broken_frame'): void => {
    this.side.shell.run(client, client.connection.close(reason));
  };

  private readonly controlFrame = listener((client) => {
    const { shell } = this.side;
    shell.run(client, client.connection.controlFrame(shell.now()));
  });

  private refuse(socket: Duplex, why: Refusal, status: string): void {
    this.side.metrics.refused(why);
    this.answer(socket, status);
  }

  /** Says no. The caller may read that and hang up. */
  private answer(socket: Duplex, status: string): void {
    const cut = setTimeout(() => socket.destroy(), this.config.closeTimeout);
    socket
      .on('error', () => undefined)
      .on('close', () => {
        clearTimeout(cut);
      });
    socket.resume().end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }
}

/** One listener for all sockets: `ws` calls it with the socket as `this`. */
function listener(hear: (client: Client) => void): (this: WebSocket) => void {
  return function (this: WebSocket) {
    if (this instanceof ClientSocket && this.client) hear(this.client);
  };
}

/** What is broken closes by itself; 'close' follows. */
function leaveToClose(): void {}

/** The public URL's path, with and without its last slash, besides `/`: a proxy may pass it on as it is. */
function upgradePaths(publicUrl: string | undefined): ReadonlySet<string> {
  const path = publicUrl === undefined ? '/' : new URL(publicUrl).pathname.replace(/\/$/, '');
  return new Set(['/', path, `${path}/`]);
}
