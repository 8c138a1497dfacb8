import { z } from 'zod';
import { parseConnectionName, parseInstallationId } from '../../core/ids';
import type { Passage } from '../passage';
import type { ConnectionName, InstallationId } from '../../core/ids';

/** Where Stripe itself answers. */
export const STRIPE_API = 'https://api.stripe.com';

/** What one Stripe connection is made of. */
export interface StripeSettings {
  readonly connection: ConnectionName;
  readonly installation: InstallationId;
  /** A secret (`sk_…`) or restricted (`rk_…`) key. */
  readonly apiKey: string;
  /** Any Stripe-compatible server, with or without a path prefix; null is Stripe itself. */
  readonly apiBase: string | null;
  /** Signing secrets that are all accepted, so that one can be rotated without losing a delivery. */
  readonly webhookSecrets: readonly string[];
  /** True when `apiBase` is our own simulator, so that its identity can never be mistaken for a sandbox's. */
  readonly simulated: boolean;
  /** Unix milliseconds; read only to understand a `Retry-After` that is a date. Default: the system's clock. */
  readonly clock?: (() => number) | undefined;
  /** Lets each request out at its turn. Default: at once. */
  readonly passage?: Passage | undefined;
}

/**
 * @returns the server's URL without a trailing slash; a trailing `/v1` is taken off, for the paths bring their own.
 * @throws with the mend when it is not an http(s) URL, or carries credentials, a query or a fragment.
 */
export function parseApiBase(text: string | null): URL {
  const url = URL.canParse(text ?? STRIPE_API) ? new URL(text ?? STRIPE_API) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new Error(
      'The Stripe API base must be a URL such as https://api.stripe.com or http://127.0.0.1:12121.',
    );
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new Error('The Stripe API base must be a plain URL: no user, password, query or fragment.');
  }
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
  return url;
}

/** The URL as text without a trailing slash: one spelling per server, since it may serve as the identity. */
export function baseText(base: URL): string {
  return base.origin + base.pathname.replace(/\/$/, '');
}

const schema = z
  .object({
    connection: z.string().transform((text, context) => branded(parseConnectionName(text), context)),
    installation: z.string().transform((text, context) => branded(parseInstallationId(text), context)),
    // A stray space or line break would end in an invalid header, and look like an outage for ever.
    apiKey: z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'must be one word of printable characters, without spaces or line breaks'),
    apiBase: z.string().nullable(),
    webhookSecrets: z.array(z.string().regex(/^\S+$/, 'must not be empty or contain spaces')),
    simulated: z.boolean(),
    passage: z.custom<Passage>((value) => typeof value === 'function').optional(),
    clock: z.custom<() => number>((value) => typeof value === 'function').optional(),
  })
  // Else Stripe itself would be called, under the name of a simulator.
  .refine((settings) => !settings.simulated || settings.apiBase !== null, {
    path: ['apiBase'],
    error: 'must be given when simulated is true',
  });

function branded<T>(parsed: T | null, context: z.RefinementCtx): T {
  if (parsed !== null) return parsed;
  context.addIssue({ code: 'custom', message: 'is malformed' });
  return z.NEVER;
}

/** @throws with every wrong setting and its mend in one message; no value is ever quoted, some are secrets. */
export function parseStripeSettings(settings: unknown): StripeSettings {
  const parsed = schema.safeParse(settings);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  throw new Error(`The settings of a Stripe connection are wrong: ${wrong.join('; ')}`);
}
