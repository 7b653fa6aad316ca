import type { LoggerService } from '@nestjs/common';
import { OperatorError } from '@derailed/shared/kernel';
import type { Logger } from '@derailed/platform/observability';

/** Nest's own lines, in our log. Its start-up chatter is debug. */
export function nestLogger(logger: Logger): LoggerService {
  const text = (message: unknown): string =>
    message instanceof Error ? (message.stack ?? message.message) : String(message);
  return {
    log: (message: unknown) => {
      logger.debug(text(message));
    },
    error: (message: unknown, stack?: unknown) => {
      // Ends the start, and run() says it in one sentence.
      if (message instanceof OperatorError) return;
      logger.error({ stack }, text(message));
    },
    warn: (message: unknown) => {
      logger.warn(text(message));
    },
    debug: (message: unknown) => {
      logger.debug(text(message));
    },
    verbose: (message: unknown) => {
      logger.trace(text(message));
    },
    fatal: (message: unknown) => {
      logger.fatal(text(message));
    },
  };
}
