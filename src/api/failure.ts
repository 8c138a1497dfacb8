import { types } from 'node:util';
import type { ErrorRequestHandler } from 'express';
import { DatabaseError } from 'pg';
import type { Logger } from 'pino';
import { NoAnswer, PoolExhausted } from '../store/database';
import { Problem, sendProblem } from './problem';

const RETRY_AFTER_S = 2;
const TRY_AGAIN = 'Try again shortly; under an Idempotency-Key nothing is done twice.';

/** Node's and pg's codes for a connection that cannot be had or broke. */
const NETWORK_CODES = /^(ECONN|EPIPE$|ETIMEDOUT$|ENOTFOUND$|EAI_AGAIN$|EHOSTUNREACH$|ENETUNREACH$)/;
/** pg gives these errors no code. */
const PG_MESSAGES = /^(Connection terminated|Client has encountered a connection)/;
/**
 * SQLSTATEs that pass by themselves or by an operator's hand: connections (08), resources (53), operator and shutdown
 * (57), I/O (58), wrong password or database (28, 3D), deadlocks that outlived their repeats (40), a lock not had in
 * time (55P03), a standby that was just promoted (25006), a schema the migrations have not made yet (3F, 42P01).
 * postgresql.org/docs/current/errcodes-appendix.html
 */
const TRANSIENT_STATES = /^(08|28|3D|40|53|57|58|55P03|25006|3F|42P01)/;
/** A rule of the product's own: data exceptions (22), constraints (23), what a trigger raises (P0001). */
const RULE_STATES = /^(22|23|P0001)/;

/** SQLSTATEs of a statement that was not served in time: a lock not had, and the end of Postgres's own patience. */
const LOCK_NOT_AVAILABLE = '55P03';
const QUERY_CANCELED = '57014';

/** What took too long, when Postgres is there and yet did not serve this; else an empty text. */
function overdue(error: Error): string {
  const code = error instanceof DatabaseError ? error.code : null;
  if (error instanceof PoolExhausted) return 'All connections of this process to Postgres are in use. ';
  if (code === LOCK_NOT_AVAILABLE) return 'Another transaction holds what this needs. ';
  if (code === QUERY_CANCELED || error instanceof NoAnswer) return 'Postgres took too long over it. ';
  return '';
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function fromDatabase(error: Error): Problem | null {
  const code = codeOf(error);
  const state = error instanceof DatabaseError;
  if (state && RULE_STATES.test(code)) {
    return new Problem(
      'refused_by_database',
      'A constraint or trigger of this database does not accept the values.',
      {
        members: { sqlstate: code },
      },
    );
  }
  const transient = state
    ? TRANSIENT_STATES.test(code)
    : NETWORK_CODES.test(code) || PG_MESSAGES.test(error.message) || overdue(error) !== '';
  if (!transient) return null;
  return new Problem('unavailable', `${overdue(error)}${TRY_AGAIN}`, {
    headers: { 'Retry-After': String(RETRY_AFTER_S) },
  });
}

/** The body reader says how much it would have taken. */
function limitOf(error: Error): string {
  return 'limit' in error && typeof error.limit === 'number'
    ? `at most ${Math.floor(error.limit / 1024)} KiB`
    : 'fewer bytes';
}

/** What Express and its body reader throw carries a status; its message is theirs and may quote input, so it is dropped. */
function fromExpress(error: Error): Problem | null {
  const status = 'status' in error && typeof error.status === 'number' ? error.status : 500;
  switch (status) {
    case 413:
      return new Problem('body_too_large', `Send less: ${limitOf(error)} are taken here.`);
    case 415:
      return new Problem(
        'media_type',
        'Its content encoding or charset is not known here. Send plain UTF-8.',
      );
    default:
      if (status < 400 || status > 499) return null;
      // A path that is not percent-encoded UTF-8 names nothing; a body that broke off or does not unpack is malformed.
      return error.name === 'URIError'
        ? new Problem('not_found', 'The path is not percent-encoded UTF-8. /docs lists what is served.')
        : new Problem(
            'request_malformed',
            'The body broke off, or does not unpack as its Content-Encoding says. Send it again, whole.',
          );
  }
}

/** An error for the log: never the message of a database error, which quotes the row. */
function described(error: Error): object {
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  const said = error instanceof DatabaseError ? {} : { message: error.message };
  return { name: error.name, code: codeOf(error), ...said, stack: frames.join('\n') };
}

/** The one place where errors become answers. A 5xx of our own making is logged; a refusal is not an error. */
export function answerErrors(log: Logger): ErrorRequestHandler {
  return (thrown: unknown, request, response, _next) => {
    const error = types.isNativeError(thrown) ? thrown : new Error('Something that is no Error was thrown');
    const known = error instanceof Problem ? error : (fromDatabase(error) ?? fromExpress(error));
    const problem = known ?? new Problem('internal', 'It was logged under the request id. Try again.');
    if (problem.status >= 500) {
      const fields = { request_id: response.getHeader('Request-Id'), err: described(error) };
      if (known === null) log.error(fields, 'a request failed by our own mistake');
      else log.warn(fields, 'the database did not serve a request');
    }
    if (response.headersSent) {
      // Too late for a problem: cutting the connection is the only way left to say that the answer is not whole.
      request.socket.destroy();
      return;
    }
    sendProblem(response, problem);
  };
}
