import StripeSdk from 'stripe';
import { NoUsableAnswer } from './transport';
import type { AnswerHeaders } from './transport';
import type { FailureKind, RemoteFailure } from '../../core/failure';

/** The longest stay away that we believe: a wrong header must not silence a connection for days. */
const RETRY_AFTER_MAX_MS = 60 * 60 * 1000;

/** A vendor's code or parameter name; text that does not look like one might be a value and is dropped. */
const CODE = /^[A-Za-z][A-Za-z0-9_.-]{0,79}$/;
const PARAM = /^[A-Za-z][A-Za-z0-9_]{0,79}(\[[A-Za-z0-9_]{0,79}\]){0,4}$/;
/**
 * The right of a restricted key that a refused call wants. It stands only in the message, beside the key's ends and the
 * account, so no more than this name is taken out.
 */
const RIGHT = /\brak_[a-z0-9_]{1,80}\b/;
const REQUEST_ID = /^[A-Za-z0-9_-]{1,100}$/;

/** A failure's members in the port's form, with what a caller does not name set to "nothing is known". */
export function failure(kind: FailureKind, known: Partial<Omit<RemoteFailure, 'kind'>>): RemoteFailure {
  const unknown = { code: null, param: null, status: null, requestId: null, retryAfterMs: null };
  return { kind, ...unknown, replayed: false, definite: false, unbegun: false, ...known };
}

/** @returns `Request-Id` (docs.stripe.com/api/request_ids), or null when it is absent or not an id. */
export function requestIdOf(headers: AnswerHeaders): string | null {
  return shaped(REQUEST_ID, headers['request-id']);
}

/** Whether the answer is the stored one of an earlier call with this key (docs.stripe.com/error-low-level). */
export function replayedOf(headers: AnswerHeaders): boolean {
  return headers['idempotent-replayed'] === 'true';
}

/**
 * The one place where Stripe's errors become ours. No message is kept: Stripe's quote what was sent.
 * @param error what the SDK threw.
 * @param endpoint the call, as the SDK calls it: a key that lacks a right must be told for what.
 * @param now Unix milliseconds, to understand a `Retry-After` that is a date.
 * @throws `error` itself when it is no answer of a server at all but a mistake in our own code.
 */
export function failureFrom(error: unknown, endpoint: string, now: number): RemoteFailure {
  if (!(error instanceof StripeSdk.errors.StripeError)) throw error;
  const lost: unknown = error.detail;
  if (lost instanceof NoUsableAnswer) return noAnswer(lost, now);
  const status = error.statusCode ?? null;
  if (status === null) throw error;
  const headers = error.headers ?? {};
  const replayed = replayedOf(headers);
  const kind = kindOf(status, error.rawType, error.code ?? null, headers);
  const code = codeOf(kind, shaped(CODE, error.code), headers) ?? shaped(CODE, error.rawType);
  return failure(kind, {
    code: status === 403 ? `${RIGHT.exec(error.message)?.[0] ?? code ?? 'forbidden'} for ${endpoint}` : code,
    param: shaped(PARAM, error.param),
    status,
    requestId: requestIdOf(headers),
    retryAfterMs: retryAfterMs(headers, now),
    replayed,
    definite: replayed || DEFINITE[kind],
    unbegun: !replayed && isUnbegun(status, kind, error.code ?? null),
  });
}

/**
 * Whether a first answer of this kind ends the intent that caused it; any replayed answer does, for it would be replayed
 * again. Stripe stores an answer only once the endpoint began to execute, and refuses data before that
 * (docs.stripe.com/api/idempotent_requests).
 */
const DEFINITE: Record<FailureKind, boolean> = {
  // Refused by the limiter, which stands before the idempotency layer, or by a lock: the same key is right a little later.
  'rate-limited': false,
  // A proxy's 504 may precede the commit; a first 500 may have left something behind.
  unavailable: false,
  // Refused before execution, so nothing happened; but the mutation is still wanted, with the same key, once the
  // connection's key is mended. Ending the intent would lose it.
  unauthorized: false,
  rejected: true,
  // Our own earlier attempt with this key is still running: its outcome is the outcome.
  stale: false,
  // There is no such object under this account: the mutation did not and will not take effect.
  gone: true,
  // The key was used with other params: repeating it can only give the same answer.
  bug: true,
};

/** Refused for its key, or by a limiter; a lock is met only by a call that has begun (docs.stripe.com/rate-limits). */
function isUnbegun(status: number, kind: FailureKind, code: string | null): boolean {
  return kind === 'unauthorized' || (status === 429 && code !== 'lock_timeout');
}

/** Codes of a connection that did not come about: no byte of the call was sent. */
const NEVER_CONNECTED: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

/** Statuses by docs.stripe.com/api/errors and docs.stripe.com/error-low-level; the order of the tests matters. */
function kindOf(
  status: number,
  type: string | undefined,
  code: string | null,
  headers: AnswerHeaders,
): FailureKind {
  if (status === 401 || status === 403) return 'unauthorized';
  // 409 is the key in use, or an object that another request holds (docs.stripe.com/error-codes: idempotency_key_in_use).
  if (status === 409) return 'stale';
  // Old API versions said `rate_limit` with a 400; `lock_timeout` is a 429 too (docs.stripe.com/rate-limits).
  if (status === 429 || code === 'rate_limit' || code === 'lock_timeout') return 'rate-limited';
  // 408 and 425 are a proxy's, 424 is an outage behind Stripe: none of them judges the data. A 2xx that holds an `error`
  // is nobody's documented answer.
  if (status >= 500 || status < 400 || status === 408 || status === 424 || status === 425)
    return 'unavailable';
  // Stripe knows better than the status whether the same call may succeed (docs.stripe.com/error-low-level).
  if (headers['stripe-should-retry'] === 'true') return 'unavailable';
  if (type === 'idempotency_error') return 'bug';
  if (status === 404) return 'gone';
  return 'rejected';
}

/** A limiter's reason says more than the bare `rate_limit`; any other code of Stripe's says more than that. */
function codeOf(kind: FailureKind, code: string | null, headers: AnswerHeaders): string | null {
  if (kind !== 'rate-limited' || (code !== null && code !== 'rate_limit')) return code;
  return shaped(CODE, headers['stripe-rate-limited-reason']) ?? code ?? 'rate_limit';
}

/**
 * A call that ended without an answer of Stripe's: nothing is known, whatever the status says, for it may be a proxy's.
 */
function noAnswer({ why, status, headers }: NoUsableAnswer, now: number): RemoteFailure {
  return failure(status === 429 ? 'rate-limited' : 'unavailable', {
    code: shaped(CODE, why),
    status,
    requestId: requestIdOf(headers),
    retryAfterMs: retryAfterMs(headers, now),
    unbegun: NEVER_CONNECTED.has(why),
  });
}

/** @returns milliseconds from seconds or an HTTP date (RFC 9110, 10.2.3), at most an hour; null when there is none. */
function retryAfterMs(headers: AnswerHeaders, now: number): number | null {
  const text = headers['retry-after'];
  if (text === undefined) return null;
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(Math.ceil(ms), 0), RETRY_AFTER_MAX_MS) : null;
}

function shaped(shape: RegExp, text: unknown): string | null {
  return typeof text === 'string' && shape.test(text) ? text : null;
}
