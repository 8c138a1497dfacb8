/**
 * Configuration: environment, then `.env`, then defaults. The only place that reads either.
 * May touch: zod, @temporalio/envconfig, the environment handed to it. Knows nothing of the rest of the product.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';

import { z } from 'zod';

import { readTemporalProfile, type TemporalConnection } from './temporalConnection';
import {
  isLoopback,
  VARIABLES,
  type ConflictPolicy,
  type EmbeddedPart,
  type Values,
  type VariableName,
} from './variables';

/** Without webhooks, changes made in Stripe are heard by asking this often; the poller slows down when idle. */
const POLL_WITHOUT_WEBHOOKS_MS = 2_000;
/** With webhooks the poll only catches what a lost delivery left out. */
const POLL_CATCH_UP_MS = 300_000;
/** Sent to the simulator and to Stripe-compatible servers when nobody gave a key; it opens nothing real. */
const KEY_FOR_SIMULATOR = 'sk_test_simulator';

export type Source = 'environment' | '.env' | 'default';

export interface PortSetting {
  readonly variable:
    'PORT' | 'WORKER_PORT' | 'TEMPORAL_PORT' | 'TEMPORAL_UI_PORT' | 'SIMULATOR_PORT' | 'POSTGRES_PORT';
  /** 0 asks for any free port. */
  readonly port: number;
  readonly source: Source;
}

export interface Config {
  readonly http: { readonly host: string; readonly port: number; readonly portSource: Source };
  readonly apiKeys: readonly string[];
  /** null: nothing configured, the embedded Postgres is wanted. */
  readonly databaseUrl: string | null;
  readonly temporal: {
    /** null: nothing configured, the embedded dev server is wanted. */
    readonly address: string | null;
    readonly namespace: string;
    readonly connection: TemporalConnection;
    readonly cli: string | null;
  };
  readonly stripe: {
    readonly apiKey: string;
    /** null: Stripe's own. Never ends in a slash or in /v1. */
    readonly apiBase: string | null;
    readonly webhookSecrets: readonly string[];
    /** Milliseconds between two polls of /v1/events. */
    readonly pollMs: number;
    readonly publicUrl: string | null;
    readonly mode: 'simulator' | 'test' | 'live';
    /** True when Stripe is our own simulator, started with the rest. */
    readonly simulated: boolean;
  };
  readonly onDelete: 'propagate' | 'detach';
  readonly policy: ConflictPolicy;
  readonly logLevel: Values['LOG_LEVEL'];
  /** Absolute. */
  readonly dataDir: string;
  readonly workerPort: number;
  readonly ports: {
    readonly api: PortSetting;
    readonly worker: PortSetting;
    readonly temporal: PortSetting;
    readonly temporalUi: PortSetting;
    readonly simulator: PortSetting;
    readonly postgres: PortSetting;
  };
  readonly simulator: { readonly latencyMs: number; readonly rateLimitPerSecond: number | null };
  /** Parts the supervisor started for this process (empty in the supervisor itself and in a real deployment). */
  readonly embedded: readonly EmbeddedPart[];
  /** Where each variable that was set came from; what is missing here is a default. */
  readonly sources: Readonly<Record<string, Source>>;
  /** Environment and `.env` as one, for child processes. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface Problem {
  readonly variable: string;
  readonly message: string;
}

/** All wrong values at once, so that a person mends them in one go. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly Problem[]) {
    const lines = problems.map((problem) => `  ${problem.variable} ${problem.message}.`);
    super(
      `The configuration has ${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`}:\n${lines.join('\n')}\n` +
        'Set the variables in the environment or in .env (.env.example explains each).',
    );
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The text of `.env` beside package.json, or undefined when there is none. */
export function readDotenv(folder: string = process.cwd()): string | undefined {
  const file = path.join(folder, '.env');
  if (!existsSync(file)) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${file} exists but cannot be read: check its permissions`, { cause: error });
  }
}

/** An empty value counts as not set: compose files and shells leave `NAME=` behind. */
function merge(env: Environment, dotenvText: string | undefined) {
  const variables: Record<string, string> = {};
  const sources: Record<string, Source> = {};
  const layers: [Source, Environment][] = [
    ['.env', dotenvText === undefined ? {} : parseEnv(dotenvText)],
    ['environment', env],
  ];
  for (const [source, layer] of layers) {
    for (const [name, value] of Object.entries(layer)) {
      const trimmed = value?.trim();
      if (trimmed === undefined || trimmed === '') continue;
      variables[name] = trimmed;
      sources[name] = source;
    }
  }
  return { variables, sources };
}

const schema = z.object(VARIABLES);

/** Each variable by itself. A wrong one leaves its default behind, so that the rules over several still run. */
function parseEach(variables: Record<string, string>, problems: Problem[]): Values {
  const result = schema.safeParse(variables);
  if (result.success) return result.data;
  const usable = { ...variables };
  for (const issue of result.error.issues) {
    const variable = String(issue.path[0]);
    problems.push({ variable, message: issue.message });
    delete usable[variable];
  }
  return schema.parse(usable);
}

const PORTS = {
  api: 'PORT',
  worker: 'WORKER_PORT',
  temporal: 'TEMPORAL_PORT',
  temporalUi: 'TEMPORAL_UI_PORT',
  simulator: 'SIMULATOR_PORT',
  postgres: 'POSTGRES_PORT',
} as const satisfies Record<keyof Config['ports'], VariableName>;

function portSettings(values: Values, sources: Record<string, Source>, problems: Problem[]): Config['ports'] {
  const setting = (variable: PortSetting['variable']): PortSetting => ({
    variable,
    port: values[variable],
    source: sources[variable] ?? 'default',
  });
  const settings = {
    api: setting(PORTS.api),
    worker: setting(PORTS.worker),
    temporal: setting(PORTS.temporal),
    temporalUi: setting(PORTS.temporalUi),
    simulator: setting(PORTS.simulator),
    postgres: setting(PORTS.postgres),
  };
  const taken = new Map<number, string>();
  for (const { variable, port, source } of Object.values(settings)) {
    if (source === 'default' || port === 0) continue;
    const other = taken.get(port);
    if (other !== undefined)
      problems.push({ variable, message: `is ${port}, and so is ${other}: give each its own` });
    taken.set(port, variable);
  }
  return settings;
}

function isStripeItself(apiBase: string | null): boolean {
  return apiBase === null || /(^|\.)stripe\.com$/.test(new URL(apiBase).hostname);
}

function stripeSettings(values: Values, problems: Problem[], keyWasWrong: boolean): Config['stripe'] {
  const started = values.COUNTERPART_EMBEDDED.includes('simulator');
  const { STRIPE_API_KEY: key, STRIPE_API_BASE: apiBase } = values;
  const simulated = started || (key === null && apiBase === null);
  if (key === null && apiBase !== null && isStripeItself(apiBase) && !keyWasWrong) {
    problems.push({
      variable: 'STRIPE_API_KEY',
      message: 'is missing, and STRIPE_API_BASE points at Stripe itself',
    });
  }
  // A key that names neither mode is taken for live at Stripe itself: the careful reading of an old key format.
  const saysTest = key === null || /^(sk|rk)_test_/.test(key);
  const saysLive = key !== null && /^(sk|rk)_live_/.test(key);
  const live = !simulated && (saysLive || (!saysTest && isStripeItself(apiBase)));
  if (live && values.ALLOW_LIVE !== '1') {
    problems.push({
      variable: 'STRIPE_API_KEY',
      message:
        'is a live key: real customers, real subscriptions. Try it with a sandbox key (sk_test_…) first, then set ALLOW_LIVE=1',
    });
  }
  const hears = values.STRIPE_WEBHOOK_SECRET.length > 0 || values.PUBLIC_URL !== null;
  return {
    apiKey: key ?? KEY_FOR_SIMULATOR,
    apiBase,
    webhookSecrets: values.STRIPE_WEBHOOK_SECRET,
    pollMs: values.STRIPE_POLL_MS ?? (hears ? POLL_CATCH_UP_MS : POLL_WITHOUT_WEBHOOKS_MS),
    publicUrl: values.PUBLIC_URL,
    mode: simulated ? 'simulator' : live ? 'live' : 'test',
    simulated,
  };
}

function temporalSettings(
  variables: Record<string, string>,
  values: Values,
  problems: Problem[],
): Config['temporal'] {
  try {
    const profile = readTemporalProfile(variables);
    const needsAddress = Object.keys(variables).filter((name) => /^TEMPORAL_(API_KEY|TLS.*)$/.test(name));
    if (profile.address === null && needsAddress.length > 0) {
      problems.push({
        variable: 'TEMPORAL_ADDRESS',
        message: `is missing, and ${needsAddress.join(', ')} only makes sense for a Temporal of your own: set it to host:port, or remove the others`,
      });
    }
    return {
      address: profile.address,
      namespace: profile.namespace ?? 'default',
      connection: profile.connection,
      cli: values.TEMPORAL_CLI,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems.push({
      variable: 'TEMPORAL_*',
      message: `cannot be read as Temporal's client settings (${reason}): see https://docs.temporal.io/develop/environment-configuration`,
    });
    return { address: null, namespace: 'default', connection: {}, cli: values.TEMPORAL_CLI };
  }
}

/**
 * Reads everything once. `dotenvText` is the content of `.env`; the environment wins over it.
 * Throws ConfigError naming every wrong value with its mend; never quotes a secret.
 */
export function loadConfig(env: Environment = process.env, dotenvText?: string): Config {
  const { variables, sources } = merge(env, dotenvText);
  const problems: Problem[] = [];
  const values = parseEach(variables, problems);
  const wrong = (name: VariableName) => problems.some((problem) => problem.variable === name);

  if (!isLoopback(values.HOST) && values.API_KEYS.length === 0 && !wrong('API_KEYS')) {
    problems.push({
      variable: 'API_KEYS',
      message: `is required because HOST=${values.HOST} lets other machines in. Make a key with: openssl rand -hex 16`,
    });
  }
  const stripe = stripeSettings(values, problems, wrong('STRIPE_API_KEY'));
  const temporal = temporalSettings(variables, values, problems);
  const ports = portSettings(values, sources, problems);
  if (problems.length > 0) throw new ConfigError(problems);

  return {
    http: { host: values.HOST, port: values.PORT, portSource: ports.api.source },
    apiKeys: values.API_KEYS,
    databaseUrl: values.DATABASE_URL,
    temporal,
    stripe,
    onDelete: values.ON_DELETE ?? (stripe.mode === 'live' ? 'detach' : 'propagate'),
    policy: values.CONFLICT_POLICY,
    logLevel: values.LOG_LEVEL,
    dataDir: path.resolve(values.DATA_DIR),
    workerPort: values.WORKER_PORT,
    ports,
    simulator: {
      latencyMs: values.SIMULATOR_LATENCY_MS,
      rateLimitPerSecond: values.SIMULATOR_RATE_LIMIT || null,
    },
    embedded: values.COUNTERPART_EMBEDDED,
    sources,
    variables,
  };
}
