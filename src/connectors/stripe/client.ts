import StripeSdk from 'stripe';
import { failure, failureFrom, replayedOf, requestIdOf } from './errors';
import { OPEN_PASSAGE } from '../passage';
import { baseText, parseApiBase, STRIPE_API } from './settings';
import { OneAttempt } from './transport';
import type { Passage } from '../passage';
import type { StripeSettings } from './settings';
import type { Answer, RemoteFailure } from '../../core/failure';

/** The shapes we read are this version's; a webhook endpoint or an event may still speak another, see events.ts. */
export const API_VERSION = '2026-10-28.endive';

/**
 * A whole call, from the look-up of the name to the last byte. Shorter than an activity's startToClose of 14 s, so that
 * an attempt is over before the next one begins.
 */
export const CALL_DEADLINE_MS = 8_000;

/** Statuses of a server that does not have the route at all. */
const NO_ROUTE_STATUSES: readonly number[] = [404, 405, 501];

/** The SDK bound to one server and key. */
export interface StripeClient {
  readonly sdk: StripeSdk;
  /** Without a trailing slash. */
  readonly apiBase: string;
  readonly clock: () => number;
  /** Every request leaves through it. */
  readonly passage: Passage;
}

/** @param deadlineMs for tests of the deadline. */
export function createClient(settings: StripeSettings, deadlineMs: number = CALL_DEADLINE_MS): StripeClient {
  const base = parseApiBase(settings.apiBase);
  const sdk = new StripeSdk(settings.apiKey, {
    apiVersion: API_VERSION,
    httpClient: new OneAttempt(base),
    maxNetworkRetries: 0,
    telemetry: false,
    timeout: deadlineMs,
  });
  const { clock = Date.now, passage = OPEN_PASSAGE } = settings;
  return { sdk, apiBase: baseText(base), clock, passage };
}

/**
 * Makes one call, when it is its turn, and reads its answer.
 * @param endpoint as the SDK calls it; Stripe limits each by itself (docs.stripe.com/rate-limits).
 * @param send hands the call to the SDK.
 * @param read the answer in our words, or null when it is not the object that was asked for (a proxy's page, another
 *   server's idea): nothing is then known about what happened.
 */
export function call<T>(
  client: StripeClient,
  endpoint: string,
  send: (sdk: StripeSdk) => Promise<StripeSdk.Response<unknown>>,
  read: (body: unknown) => { readonly value: T } | null,
): Promise<Answer<T>> {
  return client.passage(endpoint, () => attempt(client, endpoint, send, read));
}

async function attempt<T>(
  client: StripeClient,
  endpoint: string,
  send: (sdk: StripeSdk) => Promise<StripeSdk.Response<unknown>>,
  read: (body: unknown) => { readonly value: T } | null,
): Promise<Answer<T>> {
  let body: StripeSdk.Response<unknown>;
  try {
    body = await send(client.sdk);
  } catch (error) {
    return { kind: 'failed', failure: failureFrom(error, endpoint, client.clock()) };
  }
  const { headers, statusCode } = body.lastResponse;
  const requestId = requestIdOf(headers);
  const replayed = replayedOf(headers);
  const result = read(body);
  if (result !== null) return { kind: 'answered', value: result.value, requestId, replayed };
  const unexpected = { code: 'unexpected_shape', status: statusCode, requestId, replayed };
  return { kind: 'failed', failure: failure('unavailable', unexpected) };
}

/**
 * Whether a failed call to a fixed route says that this server has no such route. Never believed of Stripe itself, which
 * has them all, and never when the error names a missing object (`resource_missing`).
 */
export function lacksRoute(client: StripeClient, { status, code }: RemoteFailure): boolean {
  if (client.apiBase === STRIPE_API || code === 'resource_missing') return false;
  return status !== null && NO_ROUTE_STATUSES.includes(status);
}
