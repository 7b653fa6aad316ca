import { count, setting } from '@derailed/platform/config';
import { type Logger, destination, pino } from 'pino';
import { z } from 'zod';

export type { Logger } from 'pino';

export const logSettings = {
  level: setting(
    'LOG_LEVEL',
    'The least severe log lines to write: fatal, error, warn, info, debug or trace.',
    z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace'], {
        error: 'must be fatal, error, warn, info, debug or trace',
      })
      .default('info'),
  ),
  bufferBytes: setting(
    'LOG_BUFFER',
    'Bytes of log lines gathered before they are written; 0 writes each at once.',
    count(0, { max: 1_048_576 }),
  ),
};

/** JSON lines on standard error. Whatever might carry a token or password is cut out by name. */
export function createLogger(app: string, config: { level: string; bufferBytes: number }): Logger {
  return pino(
    {
      level: config.level,
      base: { app, pid: process.pid },
      redact: {
        paths: ['token', 'password', 'authorization', '*.token', '*.password', '*.authorization'],
        censor: '***',
      },
    },
    destination({ fd: 2, minLength: config.bufferBytes, sync: config.bufferBytes === 0 }),
  );
}
