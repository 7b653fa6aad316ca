import { ChannelCredentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  ExponentialBackoff,
  type RetryPolicy,
  circuitBreaker,
  handleWhen,
  retry,
} from 'cockatiel';
import { formatAddress, parseAddress, readPem } from '@derailed/platform/config';
import { authGrpc } from '@derailed/shared/contract';
import { OperatorError } from '@derailed/shared/kernel';
import type { AuthClientConfig } from './settings';

/** Where the reference auth service listens when nobody says otherwise. */
const defaultUrl = '127.0.0.1:4600';

/** Calls in a row that must fail before calls are refused without trying. */
const failuresToBreak = 5;

/** Milliseconds after which a broken circuit lets one call through to see. */
const halfOpenAfter = 1000;

/** Answers of a service that looked at the token and does not know it: it is there, and the token is wrong. */
const refusals = new Set<number>([status.INVALID_ARGUMENT, status.NOT_FOUND]);

/** The two calls of derailed.grpc.auth.Authorization, with deadline, retry and circuit breaker. */
export class AuthorizationCalls {
  private readonly client: InstanceType<typeof authGrpc.AuthorizationClient>;
  private readonly breaker: CircuitBreakerPolicy;
  private readonly retries: RetryPolicy;

  /** @throws OperatorError when AUTH_URL or AUTH_CA can't be used */
  constructor(private readonly config: Pick<AuthClientConfig, 'url' | 'ca' | 'deadline'>) {
    const { target, credentials } = destinationOf(config);
    this.client = new authGrpc.AuthorizationClient(target, credentials, {
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2000,
      'grpc.keepalive_time_ms': 30_000,
    });
    this.breaker = circuitBreaker(
      handleWhen((error) => !refusals.has(codeOf(error))),
      { halfOpenAfter, breaker: new ConsecutiveBreaker(failuresToBreak) },
    );
    // Checking a token changes nothing, so it can be asked again when it is not known whether the call arrived.
    this.retries = retry(
      handleWhen((error) => codeOf(error) === status.UNAVAILABLE),
      { maxAttempts: 2, backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 500 }) },
    );
  }

  /** Rejects when the service did not answer within the deadline. */
  async validate(userId: string, passwordHash: string, token: string): Promise<boolean> {
    const deadline = this.deadline();
    const request: authGrpc.ValidateToken = { userId, password: passwordHash, token };
    try {
      return await this.retries.execute(() =>
        this.breaker.execute(
          () =>
            new Promise<boolean>((resolve, reject) => {
              this.client.validate(request, new Metadata(), { deadline }, (error, answer) => {
                if (error) reject(error);
                else resolve(answer.valid);
              });
            }),
        ),
      );
    } catch (error) {
      if (refusals.has(codeOf(error))) return false;
      throw error;
    }
  }

  /** Not retried: each call may make another token. */
  create(userId: string, passwordHash: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const request: authGrpc.CreateToken = { userId, password: passwordHash };
      this.client.create(request, new Metadata(), { deadline: this.deadline() }, (error, answer) => {
        if (error) reject(error);
        else resolve(answer.token);
      });
    });
  }

  close(): void {
    this.client.close();
  }

  private deadline(): number {
    return Date.now() + this.config.deadline;
  }
}

/** The gRPC status of an error, -1 when it has none (as when the circuit is open). */
function codeOf(error: unknown): number {
  const code = (error as Partial<ServiceError>).code;
  return typeof code === 'number' ? code : -1;
}

function destinationOf({ url = defaultUrl, ca }: Pick<AuthClientConfig, 'url' | 'ca'>): {
  target: string;
  credentials: ChannelCredentials;
} {
  const [, scheme, rest] = /^(?:(https?):\/\/)?([^/]+)\/?$/.exec(url) ?? [];
  const address = parseAddress(rest ?? '');
  if (address === undefined)
    throw new OperatorError('AUTH_URL: must be HOST:PORT, http://HOST:PORT or https://HOST:PORT.');
  if (ca !== undefined && scheme === 'http')
    throw new OperatorError('AUTH_URL: http:// and AUTH_CA contradict each other.');
  const credentials =
    ca !== undefined
      ? ChannelCredentials.createSsl(readPem('AUTH_CA', ca))
      : scheme === 'https'
        ? ChannelCredentials.createSsl()
        : ChannelCredentials.createInsecure();
  return { target: formatAddress(address), credentials };
}
