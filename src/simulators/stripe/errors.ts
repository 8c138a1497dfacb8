/**
 * Every error answer of the simulated API, one constructor each. Shapes follow
 * https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes; a status outside 2xx always
 * carries `{error: {type, code?, message, param?, doc_url?, request_log_url?}}`.
 */

export type ErrorType = 'invalid_request_error' | 'api_error' | 'idempotency_error';

export type ErrorFields = {
  status: number;
  type: ErrorType;
  message: string;
  code?: string;
  param?: string;
  headers?: Record<string, string>;
};

/** An answer that is an error. Thrown by validation and by executing endpoints; caught once, in lifecycle.ts. */
export class StripeError extends Error {
  constructor(readonly fields: ErrorFields) {
    super(fields.message);
    this.name = 'StripeError';
  }
}

/** @param logUrl where a person can look the request up; Stripe puts its dashboard there, we our own page. */
export function errorBody(fields: ErrorFields, logUrl: string): Record<string, unknown> {
  const { type, code, message, param } = fields;
  return {
    error: {
      ...(code === undefined
        ? {}
        : { code, doc_url: `https://docs.stripe.com/error-codes/${code.replaceAll('_', '-')}` }),
      message,
      ...(param === undefined ? {} : { param }),
      request_log_url: logUrl,
      type,
    },
  };
}

function invalid(message: string, rest: Partial<ErrorFields> = {}): StripeError {
  return new StripeError({ status: 400, type: 'invalid_request_error', message, ...rest });
}

export const badRequest = (message: string, param?: string, code?: string): StripeError =>
  invalid(message, { ...(param === undefined ? {} : { param }), ...(code === undefined ? {} : { code }) });

export const unknownParameter = (param: string): StripeError =>
  badRequest(`Received unknown parameter: ${param}`, param, 'parameter_unknown');

export const notSimulated = (param: string): StripeError =>
  badRequest(`Stripe knows the parameter ${param}, this simulator does not implement it.`, param);

export const missingParameter = (param: string): StripeError =>
  badRequest(`Missing required param: ${param}.`, param, 'parameter_missing');

export const tooLong = (value: string, param: string, maxChars: number): StripeError =>
  badRequest(`Invalid string: ${shorten(value)}; must be at most ${maxChars} characters`, param);

export const invalidInteger = (value: string, param: string): StripeError =>
  badRequest(`Invalid integer: ${shorten(value)}`, param, 'parameter_invalid_integer');

export const invalidEmail = (value: string): StripeError =>
  badRequest(`Invalid email address: ${shorten(value)}`, 'email', 'email_invalid');

/** Real answers use 404 for the object of the path and 400 for an id given as a parameter. */
export function noSuch(noun: string, id: string, param: string, status: 400 | 404): StripeError {
  return invalid(`No such ${noun}: '${shorten(id)}'`, { status, param, code: 'resource_missing' });
}

export const noAccess = (accountId: string): StripeError =>
  invalid(`The provided key does not have access to account '${shorten(accountId)}'.`, {
    status: 403,
    code: 'account_invalid',
  });

/** A restricted key without the right to this route (docs.stripe.com/keys#limit-access). */
export const lacksRight = (key: string): StripeError =>
  invalid(`The provided key '${masked(key)}' does not have the required permissions for this endpoint.`, {
    status: 403,
  });

export const unknownUrl = (method: string, path: string): StripeError =>
  invalid(`Unrecognized request URL (${method}: ${shorten(path)}).`, { status: 404 });

export const bodyTooLarge = (maxBytes: number): StripeError =>
  invalid(`The request body is larger than ${maxBytes} bytes.`, { status: 413 });

const wwwAuthenticate = { 'www-authenticate': 'Basic realm="Stripe"' };

export const missingKey = (): StripeError =>
  invalid('You did not provide an API key. Send it in the Authorization header, using Bearer auth.', {
    status: 401,
    headers: wwwAuthenticate,
  });

export const publishableKey = (): StripeError =>
  invalid('This API call cannot be made with a publishable API key. Use a secret API key.', {
    status: 401,
    code: 'secret_key_required',
    headers: wwwAuthenticate,
  });

/** The key comes back masked to its prefix and last four characters, as Stripe masks it. */
function masked(key: string): string {
  const prefix = /^[a-z]+_(?:test|live)_/.exec(key)?.[0] ?? '';
  const hidden = key.slice(prefix.length);
  return prefix + '*'.repeat(Math.min(20, Math.max(4, hidden.length - 4))) + hidden.slice(-4);
}

export const invalidKey = (key: string): StripeError =>
  invalid(`Invalid API Key provided: ${masked(key)}`, { status: 401, headers: wwwAuthenticate });

/** A key that was revoked or rolled. Code: https://docs.stripe.com/error-codes#api-key-expired */
export const expiredKey = (key: string): StripeError =>
  invalid(`Expired API Key provided: ${masked(key)}`, {
    status: 401,
    code: 'api_key_expired',
    headers: wwwAuthenticate,
  });

/** The reasons Stripe names in the header: https://docs.stripe.com/rate-limits */
export const RATE_LIMIT_REASONS = [
  'global-rate',
  'global-concurrency',
  'endpoint-rate',
  'endpoint-concurrency',
  'resource-specific',
] as const;
export type RateLimitReason = (typeof RATE_LIMIT_REASONS)[number];

export const rateLimited = (reason: RateLimitReason): StripeError =>
  invalid('Request rate limit exceeded.', {
    status: 429,
    code: 'rate_limit',
    headers: { 'stripe-rate-limited-reason': reason, 'stripe-should-retry': 'true' },
  });

/** Another kind of 429: the object is busy. It carries no Stripe-Rate-Limited-Reason. */
export const lockTimeout = (): StripeError =>
  invalid('Another API request or Stripe process is currently accessing this object. Try again.', {
    status: 429,
    code: 'lock_timeout',
    headers: { 'stripe-should-retry': 'true' },
  });

export const keyInUse = (key: string): StripeError =>
  invalid(`There is currently another in-progress request using this Idempotent Key: ${shorten(key)}.`, {
    status: 409,
    code: 'idempotency_key_in_use',
    headers: { 'stripe-should-retry': 'true' },
  });

export const keyReusedWithOtherParams = (key: string): StripeError =>
  invalid(
    `Keys for idempotent requests can only be used with the same parameters they were first used with. Use a key other than '${shorten(key)}' for a different request.`,
    { type: 'idempotency_error' },
  );

export const keyReusedOnOtherEndpoint = (key: string, first: string, now: string): StripeError =>
  invalid(
    `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${now}' vs '${first}'). Use a key other than '${shorten(key)}' for a different request.`,
    { type: 'idempotency_error' },
  );

/** A stored 500: the SDKs are told not to retry, because the same key only replays it. */
export const internalError = (): StripeError =>
  new StripeError({
    status: 500,
    type: 'api_error',
    message: 'An unknown error occurred',
    headers: { 'stripe-should-retry': 'false' },
  });

export const unavailable = (): StripeError =>
  new StripeError({
    status: 503,
    type: 'api_error',
    message: 'The service is temporarily unavailable. Try again.',
    headers: { 'stripe-should-retry': 'true' },
  });

const MAX_QUOTED_CHARS = 200;

function shorten(value: string): string {
  return value.length > MAX_QUOTED_CHARS ? `${value.slice(0, MAX_QUOTED_CHARS)}...` : value;
}
