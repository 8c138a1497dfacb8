import { z } from 'zod';
import { deleteGuard } from './deleteGuard';
import { isCron } from './cron';

/** An API key shorter than this can be guessed; `openssl rand -hex 16` gives twice as many. */
const API_KEY_MIN_CHARS = 16;
const PORT_MAX = 65_535;
const LATENCY_MAX_MS = 60_000;
const RATE_LIMIT_MAX_PER_S = 100_000;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export const RESOLUTIONS = ['local', 'remote', 'ask'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

/** Which side wins a field that both sides changed: by field, else `default`. */
export interface ConflictPolicy {
  readonly default: Resolution;
  readonly fields: Readonly<Record<string, Resolution>>;
}

/** Whole numbers only: "3000x", "3e3" and "" are mistakes, not numbers. */
function wholeNumber(min: number, max: number, mend: string) {
  return z
    .string()
    .regex(/^\d{1,9}$/, { error: mend })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: mend });
}

function port(byDefault: number) {
  return wholeNumber(
    0,
    PORT_MAX,
    `must be a port number, 1 to ${PORT_MAX} (0 takes any free one). Default: ${byDefault}`,
  ).default(byDefault);
}

function commaSeparated(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function urlOf(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

/** True for names and addresses only this machine can reach. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare);
}

function isPublicUrl(text: string): boolean {
  const url = urlOf(text);
  // The path of the webhook is put behind it, and it is shown: so no query, no fragment, no password.
  if (url === null || /[?#]/.test(text) || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}

/** `remote`, or `name=remote,email=ask`, or both: `remote,email=ask`. */
const conflictPolicy = z.string().transform((text, context): ConflictPolicy => {
  const fields: Record<string, Resolution> = {};
  let byDefault: Resolution = 'local';
  for (const item of commaSeparated(text)) {
    const [left = '', right] = item.split('=').map((side) => side.trim());
    const resolution = RESOLUTIONS.find((known) => known === (right ?? left));
    if (resolution === undefined || (right !== undefined && !/^[a-z][a-z0-9_]*$/.test(left))) {
      context.addIssue({
        code: 'custom',
        message: `holds "${item}"; write local, remote or ask for all fields, or field=policy pairs such as name=remote,email=ask`,
      });
    } else if (right === undefined) byDefault = resolution;
    else fields[left] = resolution;
  }
  return { default: byDefault, fields };
});

/**
 * Every variable Counterpart reads (CONTRACT, Configuration), with its check, its default and its mend; those of an
 * external system stand in its own folder (src/connectors/system.ts).
 * Rules over several variables are in index.ts; TEMPORAL_* connection details are left to @temporalio/envconfig.
 */
export const VARIABLES = {
  HOST: z
    .string()
    .regex(/^[A-Za-z0-9.:[\]-]+$/, { error: 'must be a host name or an IP address. Default: 127.0.0.1' })
    .default('127.0.0.1'),
  PORT: port(3000),
  WORKER_PORT: port(3001),
  TEMPORAL_PORT: port(7233),
  TEMPORAL_UI_PORT: port(8233),
  SIMULATOR_PORT: port(12_121),
  POSTGRES_PORT: port(15_432),
  DATA_DIR: z.string().default('.data'),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }).default('info'),
  API_KEYS: z
    .string()
    .transform(commaSeparated)
    .refine((keys) => keys.every((key) => key.length >= API_KEY_MIN_CHARS && !/\s/.test(key)), {
      error: `must be a comma-separated list of keys of at least ${API_KEY_MIN_CHARS} characters each, without spaces. Make one with: openssl rand -hex 16`,
    })
    .default([]),
  DATABASE_URL: z
    .string()
    .refine((text) => /^postgres(ql)?:$/.test(urlOf(text)?.protocol ?? ''), {
      error:
        'must be a Postgres URL such as postgres://user:password@host:5432/database (percent-encode special characters in the password)',
    })
    .nullable()
    .default(null),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^(\[[0-9A-Fa-f:]+\]|[^\s/:@]+)(:\d{1,5})?$/, {
      error:
        'must be host:port without http://, such as 127.0.0.1:7233 or my-namespace.a1b2c.tmprl.cloud:7233',
    })
    .nullable()
    .default(null),
  TEMPORAL_CLI: z.string().nullable().default(null),
  PUBLIC_URL: z
    .string()
    .refine(isPublicUrl, {
      error:
        'must be the https:// address under which Stripe reaches this server (http:// only for 127.0.0.1 and localhost), without query, fragment or password',
    })
    .transform((text) => text.replace(/\/+$/, ''))
    .nullable()
    .default(null),
  ON_DELETE: z
    .enum(['propagate', 'detach'], {
      error:
        'must be propagate (a delete here deletes at Stripe, for ever) or detach (it only unties the two). Default: propagate, on a live key detach',
    })
    .nullable()
    .default(null),
  DELETE_GUARD: deleteGuard,
  ALLOW_LIVE: z
    .enum(['0', '1'], { error: 'must be 1 to work with a live Stripe key; leave it out otherwise' })
    .default('0'),
  SWEEP_CRON: z
    .string()
    .refine((text) => text === 'off' || isCron(text), {
      error:
        'must be a cron line in UTC such as 0 3 * * * (minute, hour, day, month, weekday), or off. Default: 0 3 * * *',
    })
    .transform((text) => (text === 'off' ? null : text))
    .default('0 3 * * *'),
  CONFLICT_POLICY: conflictPolicy.default({ default: 'local', fields: {} }),
  CONNECTION_RANK: z.string().transform(commaSeparated).default([]),
  SIMULATOR_LATENCY_MS: wholeNumber(
    0,
    LATENCY_MAX_MS,
    `must be the milliseconds the simulator waits before each answer, 0 to ${LATENCY_MAX_MS}`,
  ).default(0),
  SIMULATOR_RATE_LIMIT: wholeNumber(
    0,
    RATE_LIMIT_MAX_PER_S,
    'must be the requests per second after which the simulator answers 429 (0: no limit)',
  )
    .nullable()
    .default(null),
  SIMULATOR_FAULTS: z
    .enum(['0', '1'], {
      error: 'must be 1 to let tests order faults at /_sim/faults; leave it out otherwise',
    })
    .default('0'),
  /** Set by the supervisor for its children: which parts it started itself. Not for people. */
  COUNTERPART_EMBEDDED: z
    .string()
    .transform(commaSeparated)
    .pipe(z.array(z.enum(['postgres', 'temporal', 'simulator'])))
    .default([]),
} as const;

export type VariableName = keyof typeof VARIABLES;
export type Values = { readonly [K in VariableName]: z.output<(typeof VARIABLES)[K]> };
export type EmbeddedPart = 'postgres' | 'temporal' | 'simulator';
