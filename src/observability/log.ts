/**
 * TELL. JSON logs and metrics. Personal data and secrets stay out: callers pass ids, names and codes, and what slips in
 * with an error is cut here.
 * May touch: pino, prom-client. Touched by: src/bin.
 */
import pino from 'pino';
import type { Logger } from 'pino';

/** Names of fields that must never be printed, at the two depths where a caller could put them by mistake. */
const REDACTED = [
  'name',
  'email',
  'values',
  'fields',
  'password',
  'authorization',
  'apiKey',
  'databaseUrl',
  'secret',
  'secrets',
];

interface Printed {
  type: string;
  code?: unknown;
  stack: string;
  cause?: Printed;
}

/**
 * An error without its message: Postgres quotes values in it (`Key (email)=(…)`), Stripe repeats the e-mail it refuses.
 * Class, code, constraint and the stack's frames say enough to find the line.
 */
export function printError(error: unknown): Printed {
  if (!(error instanceof Error)) return { type: typeof error, stack: '' };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const { code, constraint, table } = error as { code?: unknown; constraint?: unknown; table?: unknown };
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    ...(constraint === undefined ? {} : { constraint, table }),
    stack: frames.join('\n'),
    ...(error.cause === undefined ? {} : { cause: printError(error.cause) }),
  };
}

export function createLog(process_name: string, level: string): Logger {
  return pino({
    level,
    base: { process: process_name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: printError, error: printError },
    redact: { paths: REDACTED.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
  });
}
