/** The settings of a Stripe connection in tests; what a test is about it gives itself. */
import { parseConnectionName, parseInstallationId, trusted } from '../../src/core/ids';
import type { StripeSettings } from '../../src/connectors/stripe';

export const INSTALLATION = trusted(parseInstallationId('c0ffee00c0ffee00'), 'installation');
export const MARK = 'counterpart_c0ffee00c0ffee00';
export const KEY = 'cp_c0ffee00c0ffee00_stripe_8d1d2ab4-31f0-4a43-9b0c-3b6cb1ff9f6d';

export function stripeSettings(given: Partial<StripeSettings>): StripeSettings {
  return {
    connection: trusted(parseConnectionName('stripe'), 'connection'),
    installation: INSTALLATION,
    apiKey: 'sk_test_1',
    apiBase: null,
    webhookSecrets: [],
    simulated: false,
    ...given,
  };
}
