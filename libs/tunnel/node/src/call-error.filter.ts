import { LOGGER } from '@derailed/platform/runtime';
import type { Logger } from '@derailed/platform/observability';
import { CallError, Code } from '@derailed/shared/kernel';
import { Catch, type ExceptionFilter, Inject, Injectable } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';

/** An error as the caller gets to see it. */
export interface Answer {
  readonly code: Code;
  readonly details: string;
}

/** A CallError as it is; anything else is a fault of ours that is none of the caller's business. */
export function answerOf(error: unknown): Answer {
  if (error instanceof CallError) return { code: error.code, details: error.message };
  return { code: Code.INTERNAL, details: 'internal error' };
}

/** Answers failed calls with their gRPC code, and logs those that should not happen. */
@Catch()
@Injectable()
export class CallErrorFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(error: unknown): Observable<never> {
    if (!(error instanceof CallError)) this.logger.error({ err: error }, 'a call to the tunnel failed');
    return throwError(() => answerOf(error));
  }
}
