import { z } from 'zod';

/** Below this the events poll would spend the rate limit of a sandbox on itself. */
const POLL_MIN_MS = 250;
const POLL_MAX_MS = 24 * 60 * 60 * 1000;

/** As .env.example and the README write it: the beginning of a key, and dots. */
const KEY_PLACEHOLDER = /^(sk|rk)_(test|live)_[.…]*$/;
const SECRET_PLACEHOLDER = /^whsec_[.…]*$/;

const apiKey = z.string().superRefine((key, context) => {
  const wrong = (message: string) => context.addIssue({ code: 'custom', message });
  if (KEY_PLACEHOLDER.test(key)) {
    wrong('is still the placeholder: put a key from the API keys page of the Stripe dashboard in its place');
  } else if (key.startsWith('pk_')) {
    wrong(
      'is a publishable key (pk_…), which cannot read or write customers. ' +
        'Take the secret key (sk_test_…) or a restricted one (rk_test_…) from the API keys page of the Stripe dashboard',
    );
  } else if (key.startsWith('whsec_')) {
    wrong(
      'is a webhook signing secret (whsec_…). Move it to STRIPE_WEBHOOK_SECRET and put the secret key (sk_test_… or rk_test_…) here',
    );
  } else if (!/^(sk|rk)_[A-Za-z0-9_]{4,}$/.test(key)) {
    wrong('must begin with sk_test_, rk_test_, sk_live_ or rk_live_ and hold no spaces or quotes');
  }
});

function isWebUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}

/** Far above what any account is allowed. */
const RATE_LIMIT_MAX_PER_S = 10_000;
const rateLimitMend =
  'must be the requests per second that the account takes, all processes together (0: no limit of ours). ' +
  'Default: 25, on a live key 100 and 25 for each endpoint';

const pollMend = `must be milliseconds between two polls, ${POLL_MIN_MS} to ${POLL_MAX_MS}`;

/** The variables of a Stripe connection, each by itself. What they mean together is in configure.ts. */
export const STRIPE_VARIABLES = {
  STRIPE_API_KEY: apiKey.nullable().default(null),
  STRIPE_API_BASE: z
    .string()
    .refine(isWebUrl, {
      error: 'must be a web address such as https://api.stripe.com or http://127.0.0.1:12111',
    })
    .transform((text) => text.replace(/\/+$/, '').replace(/\/v1$/, ''))
    .nullable()
    .default(null),
  STRIPE_WEBHOOK_SECRET: z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((secret) => secret.trim())
        .filter((secret) => secret !== ''),
    )
    .refine((secrets) => !secrets.some((secret) => SECRET_PLACEHOLDER.test(secret)), {
      error:
        'is still the placeholder: put the secret that `stripe listen` prints in its place, or that of a dashboard endpoint',
      abort: true,
    })
    .refine((secrets) => secrets.every((secret) => /^whsec_\S+$/.test(secret)), {
      error:
        'must be signing secrets beginning with whsec_, comma-separated while one replaces another. ' +
        '`stripe listen` prints one; a dashboard endpoint shows its own under "Signing secret"',
    })
    .default([]),
  STRIPE_POLL_MS: z
    .string()
    .regex(/^\d{1,9}$/, { error: pollMend })
    .transform(Number)
    .refine((value) => value >= POLL_MIN_MS && value <= POLL_MAX_MS, { error: pollMend })
    .nullable()
    .default(null),
  STRIPE_RATE_LIMIT: z
    .string()
    .regex(/^\d{1,6}$/, { error: rateLimitMend })
    .transform(Number)
    .refine((value) => value <= RATE_LIMIT_MAX_PER_S, { error: rateLimitMend })
    .nullable()
    .default(null),
} as const;

export type StripeValues = {
  readonly [Name in keyof typeof STRIPE_VARIABLES]: z.output<(typeof STRIPE_VARIABLES)[Name]>;
};
