/** Who asks: any secret or restricted test key is the one account (https://docs.stripe.com/api/authentication). */

import { invalidKey, missingKey, publishableKey } from './errors';

/** @throws StripeError 401 for a missing, publishable, live or unknown key */
export function readApiKey(authorization: string | undefined): string {
  const [scheme = '', credentials = ''] = (authorization ?? '').trim().split(/\s+/, 2);
  const key = scheme.toLowerCase() === 'basic' ? basicUser(credentials) : credentials;
  if (!['bearer', 'basic'].includes(scheme.toLowerCase()) || key === '') throw missingKey();
  if (/^(?:sk|rk)_test_./.test(key)) return key;
  if (key.startsWith('pk_')) throw publishableKey();
  throw invalidKey(key);
}

function basicUser(credentials: string): string {
  return Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)[0] ?? '';
}
