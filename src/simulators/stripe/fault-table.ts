/**
 * Every fault there is: its stage, one sentence, and what it takes beside what all take. This table validates
 * POST /_sim/faults and is what GET /_sim/faults lists. A new fault is a row here and a case where its stage is applied.
 */

import { z } from 'zod';
import { RATE_LIMIT_REASONS } from './errors';

/**
 * When a fault strikes: as the request arrives; once it is to be executed; on the values it writes; on the event it
 * makes; on the object it creates; or at once, when the fault is asked for.
 */
export type Stage = 'arrival' | 'execution' | 'write' | 'event' | 'creation' | 'at_once';

export const ALTERED_FIELDS = ['name', 'email', 'description', 'phone'] as const;
export const ALTERATIONS = ['trim', 'uppercase', 'lowercase', 'truncate'] as const;

const MAX_DELAY_MS = 24 * 3_600_000;
const MAX_TIMES = 1_000_000;
const MAX_SEED = 2 ** 31 - 1;
export const MAX_FAULTS = 1_000;

const delay = z.int().min(0).max(MAX_DELAY_MS);

/** What a fault may take, beside MATCH. Each row below names its own, with the value that holds when it is not given. */
const OPTIONS = {
  delay_ms: delay,
  commit_after_ms: delay,
  reason: z.enum(RATE_LIMIT_REASONS),
  chunk_bytes: z.int().min(1).max(1_000_000),
  field: z.enum(ALTERED_FIELDS),
  how: z.enum(ALTERATIONS),
  length: z.int().min(0).max(5_000),
};
type OptionName = keyof typeof OPTIONS;
type OptionDefaults = Partial<Record<OptionName, string | number | null>>;

/** Which requests a fault strikes, and how many of them. All that are given must hold. */
export const MATCH = {
  method: { schema: z.enum(['GET', 'POST', 'DELETE']), story: 'GET, POST or DELETE' },
  path: {
    schema: z.string().startsWith('/v1', { error: 'begins with /v1' }).max(500),
    story: 'exact, or with :id for one segment, or ending in *',
  },
  keyed: { schema: z.boolean(), story: 'true: with an idempotency key; false: without' },
  api_key: { schema: z.string().min(1).max(255), story: 'exact: only requests made with this API key' },
  after: { schema: z.int().min(0).max(MAX_TIMES), story: 'lets so many matching requests pass first (0)' },
  times: {
    schema: z.int().min(1).max(MAX_TIMES).nullable(),
    story: 'strikes so many, then ends (1; with rate: null); null: until cleared',
  },
  rate: {
    schema: z.number().gt(0).max(1),
    story: 'strikes each matching request with this probability, above 0 to 1',
  },
  seed: {
    schema: z.int().min(0).max(MAX_SEED),
    story: 'of rate: the same seed strikes the same ones of a row of requests (0)',
  },
} as const;

type Row = { stage: Stage; story: string; takes?: OptionDefaults; needsKey?: true };

export const FAULTS = {
  reset: { stage: 'arrival', story: 'The connection is cut before anything is processed.' },
  hang: {
    stage: 'arrival',
    story: 'Nothing is processed and no answer ever comes; the connection is cut after delay_ms if given.',
    takes: { delay_ms: null },
  },
  slow: {
    stage: 'arrival',
    story: 'The request is processed, after delay_ms.',
    takes: { delay_ms: 1_000 },
  },
  'refuse-503': { stage: 'arrival', story: '503, nothing processed, nothing stored under the key.' },
  'rate-limited': {
    stage: 'arrival',
    story: '429 of a limiter, with its reason in the header Stripe-Rate-Limited-Reason.',
    takes: { reason: 'global-rate' },
  },
  'lock-timeout': { stage: 'arrival', story: '429 with the code lock_timeout, and no reason in a header.' },
  unauthorized: { stage: 'arrival', story: '401, as for a key that does not exist.' },
  forbidden: { stage: 'arrival', story: '403, as for a restricted key that lacks this right.' },
  'revoked-key': {
    stage: 'arrival',
    story: '401 with the code api_key_expired, as for a key that was revoked.',
  },
  'conflict-409': {
    stage: 'arrival',
    story: '409 idempotency_key_in_use; strikes only requests with a key.',
    needsKey: true,
  },
  'other-account': {
    stage: 'arrival',
    story: 'The key belongs to acct_other, which knows none of our objects.',
  },
  'answer-lost': {
    stage: 'execution',
    story: 'Committed and stored under the key; the connection is cut instead of an answer.',
  },
  'slow-drip': {
    stage: 'execution',
    story: 'Committed and answered, chunk_bytes of the body at a time with delay_ms between.',
    takes: { delay_ms: 100, chunk_bytes: 1 },
  },
  'gateway-timeout': {
    stage: 'execution',
    story:
      'A proxy answers 504 at once; the request goes on behind it and is committed commit_after_ms later.',
    takes: { commit_after_ms: 1_000 },
  },
  'error-500': {
    stage: 'execution',
    story: 'Nothing committed; a 500 is stored under the key and replayed.',
  },
  'error-500-committed': {
    stage: 'execution',
    story: 'Committed, yet a 500 is answered, stored under the key and replayed.',
  },
  'alter-values': {
    stage: 'write',
    story:
      'What is written to the field is altered first: trimmed, in capitals, in small letters, or cut to length.',
    takes: { field: 'name', how: 'uppercase', length: 5 },
  },
  'drop-events': { stage: 'event', story: 'The change makes no event at all.' },
  'drop-deliveries': { stage: 'event', story: 'The event is listed, no endpoint is told.' },
  'delay-events': {
    stage: 'event',
    story: 'The event surfaces delay_ms late, in lists and at endpoints, at its old place.',
    takes: { delay_ms: 1_000 },
  },
  'double-events': { stage: 'event', story: 'Every endpoint is told of the event twice.' },
  'reorder-events': {
    stage: 'event',
    story:
      'The event changes places with the next one: endpoints are told of it after the next, or after delay_ms if none comes.',
    takes: { delay_ms: 1_000 },
  },
  'tie-events': {
    stage: 'event',
    story: 'The event bears the same second as the event before it.',
  },
  'strip-request': { stage: 'event', story: 'The event has no field request.' },
  'strip-previous': { stage: 'event', story: 'The event has no previous_attributes.' },
  'list-lag': {
    stage: 'creation',
    story:
      'The customer and its event appear in no list for delay_ms; by id they are found, endpoints are told.',
    takes: { delay_ms: 1_000 },
  },
  'expire-keys': { stage: 'at_once', story: 'Every idempotency key is forgotten now.' },
} as const satisfies Record<string, Row>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS);

function isFaultName(name: unknown): name is FaultName {
  return typeof name === 'string' && Object.hasOwn(FAULTS, name);
}

export function rowOf(name: FaultName): Row {
  return FAULTS[name];
}

/** Every parameter this fault knows, beside its name. */
function parametersOf(name: FaultName): string[] {
  const { stage, takes = {} } = rowOf(name);
  return stage === 'at_once' ? [] : [...Object.keys(takes), ...Object.keys(MATCH)];
}

const faultSchema = z
  .strictObject(
    {
      // Underscores do as well: many a shell or language has names with them.
      name: z
        .string()
        .transform((name) => name.replaceAll('_', '-'))
        .refine(isFaultName, {
          // What comes after knows the name.
          abort: true,
          error: ({ input }) => `unknown: ${String(input)}; known are: ${FAULT_NAMES.join(', ')}`,
        }),
      method: MATCH.method.schema.optional(),
      path: MATCH.path.schema.optional(),
      keyed: MATCH.keyed.schema.optional(),
      api_key: MATCH.api_key.schema.optional(),
      after: MATCH.after.schema.optional(),
      times: MATCH.times.schema.optional(),
      rate: MATCH.rate.schema.optional(),
      seed: MATCH.seed.schema.optional(),
      ...z.object(OPTIONS).partial().shape,
    },
    {
      error: (issue) =>
        issue.code === 'unrecognized_keys' ? unknownParameters(issue.keys, issue.input) : undefined,
    },
  )
  .superRefine((fault, context) => {
    const known = parametersOf(fault.name);
    const strange = Object.keys(fault).filter((name) => name !== 'name' && !known.includes(name));
    if (strange.length > 0) context.addIssue(unknownParameters(strange, fault));
    if (fault.seed !== undefined && fault.rate === undefined) context.addIssue('seed goes with rate');
    if (fault.length !== undefined && fault.how !== 'truncate')
      context.addIssue('length goes with how: truncate');
  });

function unknownParameters(names: readonly string[] | undefined, input: unknown): string {
  const given = typeof input === 'object' && input !== null && 'name' in input ? input.name : undefined;
  const name = typeof given === 'string' ? given.replaceAll('_', '-') : undefined;
  const known = isFaultName(name) ? parametersOf(name) : [...Object.keys(OPTIONS), ...Object.keys(MATCH)];
  const told = known.length === 0 ? 'it takes none' : `known are: ${known.join(', ')}`;
  return `unknown parameter ${(names ?? []).join(', ')} of ${name ?? 'a fault'}; ${told}`;
}

/** One fault, or several as `{"faults": [...]}`. */
export const faultsSchema = z.preprocess(
  (body) => (typeof body === 'object' && body !== null && 'name' in body ? { faults: [body] } : body),
  z.strictObject({ faults: z.array(faultSchema).min(1).max(MAX_FAULTS) }),
);

export type AskedFault = z.output<typeof faultSchema>;

/** A fault with every default filled in. */
export function withDefaults(asked: AskedFault): AskedFault {
  const { stage, takes = {} } = rowOf(asked.name);
  if (stage === 'at_once') return asked;
  const given = Object.entries(takes).filter(([, value]) => value !== null);
  return {
    after: 0,
    times: asked.rate === undefined ? 1 : null,
    ...(asked.rate === undefined ? {} : { seed: 0 }),
    ...Object.fromEntries(given),
    ...asked,
  };
}

/** What GET /_sim/faults tells of the table. */
export function knownFaults(): unknown[] {
  return FAULT_NAMES.filter(isFaultName).map((name) => {
    const { stage, story, takes = {} } = rowOf(name);
    return { name, stage, story, takes };
  });
}

export function matchParameters(): Record<string, string> {
  return Object.fromEntries(Object.entries(MATCH).map(([name, { story }]) => [name, story]));
}
