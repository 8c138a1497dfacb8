import StripeSdk from 'stripe';
import { remoteEvent } from './events';
import type { Delivery } from '../connector';
import type { InstallationId } from '../../core/ids';

/** How old a signature may be, seconds: Stripe's own default, against replays (docs.stripe.com/webhooks/signature). */
const TOLERANCE_S = 300;

/**
 * Checks a delivery on its raw bytes, then reads it. Never throws.
 * @param secrets any of them may have signed it; with none nothing is ever accepted.
 * @param now Unix milliseconds.
 */
export function receive(
  body: Buffer,
  headers: Readonly<Record<string, string | undefined>>,
  now: number,
  secrets: readonly string[],
  installation: InstallationId,
): Delivery {
  const signature = signatureOf(headers);
  if (signature === null) return { kind: 'forged' };
  if (!secrets.some((secret) => signedBy(secret, body, signature, now))) return { kind: 'forged' };
  const event = remoteEvent(parseJson(body), installation);
  return event === null ? { kind: 'malformed' } : { kind: 'event', event };
}

/**
 * Verification alone, apart from parsing: the SDK's `constructEvent` throws plain errors both for a body that is no JSON
 * and for some forged headers (an empty `v1=`, letters of several bytes), and only one of the two may be told from here.
 */
function signedBy(secret: string, body: Buffer, signature: string, now: number): boolean {
  const verifier = StripeSdk.webhooks.signature;
  if (verifier === null) return false;
  try {
    return verifier.verifyHeader(body, signature, secret, TOLERANCE_S, undefined, now);
  } catch {
    // Whatever is thrown here is a no. The SDK's error holds the body and goes no further.
    return false;
  }
}

/** @returns undefined when it is no JSON, or JSON that is too deep. */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // The parser's message quotes the body and goes no further.
    return undefined;
  }
}

/** Header names arrive in lower case from Node and as written from a test or another server. */
function signatureOf(headers: Readonly<Record<string, string | undefined>>): string | null {
  const found = Object.entries(headers).find(([name]) => name.toLowerCase() === 'stripe-signature');
  return found?.[1] ?? null;
}
