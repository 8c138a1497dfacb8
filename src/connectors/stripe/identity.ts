import { call, lacksRoute } from './client';
import { STRIPE_API } from './settings';
import { isJson } from './shapes';
import type { Identity } from '../connector';
import type { StripeClient } from './client';
import type { StripeSettings } from './settings';
import type { Answer } from '../../core/failure';

/** Keys name their mode (docs.stripe.com/keys): secret or restricted, of an account or of an organization. */
const LIVE_KEY = /^(sk|rk)_(org_)?live_/;
const TEST_KEY = /^(sk|rk)_(org_)?test_/;

/**
 * Asks `GET /v1/account` whose key this is. A server without that route (never Stripe itself) has a null account: its
 * base is then all there is to know it by. A restricted key without the right to read the account answers 403, a
 * failure: guessing would let another account's key pass.
 */
export async function identify(client: StripeClient, settings: StripeSettings): Promise<Answer<Identity>> {
  const known = { apiBase: client.apiBase, mode: modeOf(client.apiBase, settings) };
  const answer = await call<Identity>(
    client,
    'accounts.retrieveCurrent',
    (sdk) => sdk.accounts.retrieveCurrent(),
    (body) => {
      const id = isJson(body) ? body['id'] : null;
      return typeof id === 'string' && id !== '' ? { value: { ...known, account: id } } : null;
    },
  );
  if (answer.kind === 'failed' && lacksRoute(client, answer.failure)) {
    const { requestId } = answer.failure;
    return { kind: 'answered', value: { ...known, account: null }, requestId, replayed: false };
  }
  return answer;
}

/** By the key's prefix; the simulator only where we were told that it is ours. */
export function modeOf(apiBase: string, { apiKey, simulated }: StripeSettings): Identity['mode'] {
  if (simulated) return 'simulator';
  if (LIVE_KEY.test(apiKey)) return 'live';
  // At Stripe itself a key that names neither mode (an old format) is taken for live: the careful reading.
  return apiBase === STRIPE_API && !TEST_KEY.test(apiKey) ? 'live' : 'test';
}
