import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthClient } from '@derailed/platform/auth-client';
import type { Logger } from '@derailed/platform/observability';
import { limits, ownUserJson, type User } from '@derailed/shared/protocol';

/** With `; charset=utf-8` behind it discord.py and oceanic take the body for text. */
const contentType = 'application/json';

/** The bodies of the few HTTP calls that client libraries make before they connect. */
export class HttpRoutes {
  constructor(
    private readonly auth: AuthClient,
    private readonly publicUrl: () => string,
    private readonly logger: Logger,
  ) {}

  handle(request: IncomingMessage, response: ServerResponse): void {
    this.answer(request).then(
      ([status, body]) => {
        reply(response, status, body);
      },
      (error: unknown) => {
        this.logger.error({ error }, 'an HTTP call failed');
        reply(response, 500, refusal(500, 'Internal Server Error'));
      },
    );
  }

  private async answer({ method, url = '/', headers }: IncomingMessage): Promise<readonly [number, string]> {
    const path = pathOf(url).replace(/^\/api(?:\/v\d+)?(?=\/)/, '');
    const body = bodies[path];
    if (!body) return [404, refusal(404, 'Not Found')];
    if (method !== 'GET') return [405, refusal(405, 'Method Not Allowed')];
    if (path === '/gateway') return [200, JSON.stringify({ url: this.publicUrl() })];
    const answer = await this.auth.authenticate((headers.authorization ?? '').replace(/^Bot /, ''));
    if (answer.ok) return [200, body(answer.user, this.publicUrl())];
    return answer.reason === 'invalid'
      ? [401, refusal(401, 'Unauthorized')]
      : [503, refusal(503, 'Service Unavailable')];
  }
}

/** The path of a request target, without its query. */
export function pathOf(target: string): string {
  const end = target.indexOf('?');
  return end < 0 ? target : target.slice(0, end);
}

type Body = (user: User, publicUrl: string) => string;

const bodies: Readonly<Partial<Record<string, Body>>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, Body>, {
    '/gateway': (_user: User, url: string) => JSON.stringify({ url }),
    '/gateway/bot': (_user: User, url: string) => gatewayBotJson(url),
    '/users/@me': (user: User) => ownUserJson(user),
    '/oauth2/applications/@me': (user: User) => applicationJson(user),
  }),
);

function gatewayBotJson(url: string): string {
  const { count: total } = limits.identifies;
  // Every library wants all four numbers, and refuses to start when too few identifies remain.
  const sessionStartLimit = { total, remaining: total, reset_after: 0, max_concurrency: 1 };
  return JSON.stringify({ url, shards: 1, session_start_limit: sessionStartLimit });
}

function applicationJson(user: User): string {
  const { id, username, discriminator, avatar } = user;
  return JSON.stringify({
    id,
    name: username,
    icon: null,
    description: '',
    bot_public: false,
    bot_require_code_grant: false,
    verify_key: '',
    flags: 0,
    owner: { id, username, discriminator, avatar },
    team: null,
    rpc_origins: [],
  });
}

function refusal(status: number, text: string): string {
  return JSON.stringify({ message: `${status}: ${text}`, code: 0 });
}

function reply(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
