import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthClient } from '@derailed/platform/auth-client';
import type { Logger } from '@derailed/platform/observability';
import { ownUserJson, type User } from '@derailed/shared/protocol';
import type { IdentifyBudget, IdentifyBudgets } from './identify-budgets';

/** With `; charset=utf-8` behind it discord.py and oceanic take the body for text. */
const contentType = 'application/json';

/** The bodies of the few HTTP calls that client libraries make before they connect. */
export class HttpRoutes {
  constructor(
    private readonly auth: AuthClient,
    private readonly budgets: IdentifyBudgets,
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
    const isForBots = path === '/gateway/bot';
    const body = isForBots ? undefined : bodies[path];
    if (!isForBots && !body) return [404, refusal(404, 'Not Found')];
    if (method !== 'GET') return [405, refusal(405, 'Method Not Allowed')];
    if (path === '/gateway') return [200, JSON.stringify({ url: this.publicUrl() })];
    const answer = await this.auth.authenticate((headers.authorization ?? '').replace(/^Bot /, ''));
    if (!answer.ok) {
      return answer.reason === 'invalid'
        ? [401, refusal(401, 'Unauthorized')]
        : [503, refusal(503, 'Service Unavailable')];
    }
    if (body) return [200, body(answer.user)];
    const budget = await this.budgets.of(answer.user.id);
    // Libraries try again after a 503; after a limit that was guessed they would be refused at the socket.
    return budget === undefined
      ? [503, refusal(503, 'Service Unavailable')]
      : [200, gatewayBotJson(this.publicUrl(), budget)];
  }
}

/** The path of a request target, without its query. */
export function pathOf(target: string): string {
  const end = target.indexOf('?');
  return end < 0 ? target : target.slice(0, end);
}

type Body = (user: User) => string;

const bodies: Readonly<Partial<Record<string, Body>>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, Body>, {
    '/gateway': () => '',
    '/users/@me': (user: User) => ownUserJson(user),
    '/oauth2/applications/@me': (user: User) => applicationJson(user),
  }),
);

/** Every library wants all four numbers, and refuses to start when too few identifies remain. */
function gatewayBotJson(url: string, budget: IdentifyBudget): string {
  const { total, remaining, resetAfterMs, maxConcurrency, shards } = budget;
  const limit = { total, remaining, reset_after: resetAfterMs, max_concurrency: maxConcurrency };
  return JSON.stringify({ url, shards, session_start_limit: limit });
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
