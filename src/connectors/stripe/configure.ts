import { parseConnectionName, trusted } from '../../core/ids';
import { STRIPE_API } from './settings';
import type { Connector, Identity } from '../connector';
import type { Limits } from '../passage';
import type { Around, Configured, VariableProblem } from '../system';
import type { StripeSettings } from './settings';
import type { StripeValues } from './variables';

/** Without webhooks, changes made in Stripe are heard by asking this often; the poller slows down when idle. */
const POLL_WITHOUT_WEBHOOKS_MS = 2_000;
/** With webhooks the poll only catches what a lost delivery left out. */
const POLL_CATCH_UP_MS = 300_000;
/** Sent to the simulator and to Stripe-compatible servers when nobody gave a key; it opens nothing real. */
const KEY_FOR_SIMULATOR = 'sk_test_simulator';
const NOTHING_CONFIGURED =
  'Neither STRIPE_API_KEY nor STRIPE_API_BASE is set. `npm start` brings its own simulator; a process by itself needs one of them.';

/** Requests a second: of an account by its mode, and of each endpoint (docs.stripe.com/rate-limits). */
const ACCOUNT_PER_S = { live: 100, test: 25 } as const;
const ENDPOINT_PER_S = 25;
/** Too many requests for one object at once, and a lock on it: the account's pace is not to blame. */
const OTHER_CODES = ['lock_timeout', 'resource-specific'];

function isStripeItself(apiBase: string | null): boolean {
  return apiBase === null || /(^|\.)stripe\.com$/.test(new URL(apiBase).hostname);
}

function modeOf(key: string | null, apiBase: string | null): Identity['mode'] {
  // A key that names neither mode is taken for live at Stripe itself: the careful reading of an old key format.
  const saysTest = key === null || /^(sk|rk)_test_/.test(key);
  const saysLive = key !== null && /^(sk|rk)_live_/.test(key);
  return saysLive || (!saysTest && isStripeItself(apiBase)) ? 'live' : 'test';
}

/** What is set; else Stripe's own limits, the simulator's, and for other servers, which have none that we know of, none. */
function limitsOf(
  { STRIPE_RATE_LIMIT: set, STRIPE_API_BASE: apiBase }: StripeValues,
  mode: Identity['mode'],
  { simulatorRateLimit }: Around,
): Limits {
  const limits = { perEndpoint: null, otherCodes: OTHER_CODES };
  if (set !== null) return { ...limits, perSecond: set === 0 ? null : set };
  if (mode === 'simulator') return { ...limits, perSecond: simulatorRateLimit };
  if (!isStripeItself(apiBase)) return { ...limits, perSecond: null };
  return { ...limits, perSecond: ACCOUNT_PER_S[mode], perEndpoint: ENDPOINT_PER_S };
}

/** The one Stripe connection: the simulator where nothing is configured. */
export function configureStripe(
  values: StripeValues,
  around: Around,
  connect: (settings: StripeSettings) => Connector,
): Configured {
  const { STRIPE_API_KEY: key, STRIPE_API_BASE: apiBase, STRIPE_WEBHOOK_SECRET: webhookSecrets } = values;
  const simulated = around.simulatorStarted || (key === null && apiBase === null);
  const mode = simulated ? 'simulator' : modeOf(key, apiBase);
  const problems: VariableProblem[] = [];
  if (key === null && apiBase !== null && isStripeItself(apiBase) && !around.refused('STRIPE_API_KEY')) {
    problems.push({
      variable: 'STRIPE_API_KEY',
      message: 'is missing, and STRIPE_API_BASE points at Stripe itself',
    });
  }
  if (mode === 'live' && !around.liveAllowed) {
    problems.push({
      variable: 'STRIPE_API_KEY',
      message:
        'is a live key: real customers, real subscriptions. Try it with a sandbox key (sk_test_…) first, then set ALLOW_LIVE=1',
    });
  }
  const apiKey = key ?? KEY_FOR_SIMULATOR;
  const delivers = webhookSecrets.length > 0 || around.publicUrl !== null;
  const pollMs = (delivered: boolean): number =>
    values.STRIPE_POLL_MS ?? (delivered ? POLL_CATCH_UP_MS : POLL_WITHOUT_WEBHOOKS_MS);
  const name = trusted(parseConnectionName('stripe'), 'connection name');
  return {
    problems,
    connections: [
      {
        name,
        mode,
        pollMs: pollMs(delivers),
        pollUntilRegisteredMs: pollMs(webhookSecrets.length > 0),
        limits: limitsOf(values, mode, around),
        shown: {
          title: 'Stripe',
          address: apiBase ?? STRIPE_API,
          secret: apiKey,
          delivers: delivers || simulated,
          variables: ['STRIPE_API_KEY', 'STRIPE_API_BASE'],
          heardBy: ['STRIPE_WEBHOOK_SECRET', 'PUBLIC_URL', 'STRIPE_POLL_MS'],
          limitedBy: [
            'STRIPE_RATE_LIMIT',
            ...(mode === 'simulator' && values.STRIPE_RATE_LIMIT === null ? ['SIMULATOR_RATE_LIMIT'] : []),
          ],
        },
        connect(installation, passage) {
          if (simulated && apiBase === null) throw new Error(NOTHING_CONFIGURED);
          return connect({
            connection: name,
            installation,
            apiKey,
            apiBase,
            webhookSecrets,
            simulated,
            passage,
          });
        },
      },
    ],
  };
}
