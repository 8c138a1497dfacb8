/**
 * Configuration: environment, then `.env`, then defaults. The only place that reads either.
 * May touch: zod, @temporalio/envconfig, the environment handed to it, of src/connectors what each system says of its
 * variables, and of src/catalogs the names of the fields. Knows nothing of the rest of the product.
 */
import path from 'node:path';

import { z } from 'zod';

import { CATALOGS } from '../catalogs/catalogs';
import type { ConfiguredConnection } from '../connectors/system';
import { SYSTEMS } from '../connectors/registry';
import { reachableHost } from './apiAddress';
import type { DeleteGuardSetting } from './deleteGuard';
import { merge, type Environment, type Source } from './sources';
import { readTemporalProfile, type TemporalConnection } from './temporalConnection';
import {
  isLoopback,
  VARIABLES,
  type ConflictPolicy,
  type EmbeddedPart,
  type Values,
  type VariableName,
} from './variables';

export { dotenvMistakes, readDotenv } from './sources';
export type { Source } from './sources';

export interface PortSetting {
  readonly variable:
    'PORT' | 'WORKER_PORT' | 'TEMPORAL_PORT' | 'TEMPORAL_UI_PORT' | 'SIMULATOR_PORT' | 'POSTGRES_PORT';
  /** 0 asks for any free port. */
  readonly port: number;
  readonly source: Source;
}

export interface Config {
  readonly http: {
    readonly host: string;
    /** The host in URLs for people and programs on this machine. */
    readonly reachableHost: string;
    readonly port: number;
    readonly portSource: Source;
  };
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
  /** What every system's own variables make, the highest rank first. */
  readonly connections: readonly ConfiguredConnection[];
  /** Under which remote systems reach this server; no slash at its end. Null: they do not, or were told by hand. */
  readonly publicUrl: string | null;
  readonly onDelete: 'propagate' | 'detach';
  /** Null: a burst of deletions is let through. */
  readonly deleteGuard: DeleteGuardSetting | null;
  readonly policy: ConflictPolicy;
  /** When all connections are swept, in UTC; null: only when somebody asks. */
  readonly sweepCron: string | null;
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

/** Our own variables, typed, and those of all systems, which only they can read. */
type Checked = Values & Readonly<Record<string, unknown>>;

const systemVariables = Object.values(SYSTEMS).flatMap(({ variables }) => Object.entries(variables));
const schema = z.object({ ...Object.fromEntries(systemVariables), ...VARIABLES });

/** Each variable by itself. A wrong one leaves its default behind, so that the rules over several still run. */
function parseEach(variables: Record<string, string>, problems: Problem[]): Checked {
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

function rankOf(rank: readonly string[], name: string): number {
  const place = rank.indexOf(name);
  return place < 0 ? rank.length : place;
}

/** Every system reads its own variables; the connections they make, by rank. */
function connectionsOf(values: Checked, problems: Problem[]): ConfiguredConnection[] {
  const configured = Object.values(SYSTEMS).map((system) =>
    system.configure(values, {
      simulatorStarted: values.COUNTERPART_EMBEDDED.includes('simulator'),
      simulatorRateLimit: values.SIMULATOR_RATE_LIMIT || null,
      publicUrl: values.PUBLIC_URL,
      liveAllowed: values.ALLOW_LIVE === '1',
      refused: (variable) => problems.some((problem) => problem.variable === variable),
    }),
  );
  problems.push(...configured.flatMap((one) => one.problems));
  const connections = configured.flatMap((one) => one.connections);
  const rank = values.CONNECTION_RANK;
  const names = connections.map(({ name }): string => name);
  const unknown = rank.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    problems.push({
      variable: 'CONNECTION_RANK',
      message: `names ${unknown.join(', ')}; the connections are ${names.join(', ')}`,
    });
  }
  return connections.toSorted((a, b) => rankOf(rank, a.name) - rankOf(rank, b.name));
}

function checkPolicy({ CONFLICT_POLICY: { fields } }: Values, problems: Problem[]): void {
  const known = new Set([...CATALOGS.values()].flatMap((catalog) => Object.keys(catalog.fields)));
  const unknown = Object.keys(fields).filter((field) => !known.has(field));
  if (unknown.length > 0) {
    problems.push({
      variable: 'CONFLICT_POLICY',
      message: `names ${unknown.join(', ')}; the synced fields are ${[...known].join(', ')}`,
    });
  }
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
  const connections = connectionsOf(values, problems);
  checkPolicy(values, problems);
  const temporal = temporalSettings(variables, values, problems);
  const ports = portSettings(values, sources, problems);
  if (problems.length > 0) throw new ConfigError(problems);

  return {
    http: {
      host: values.HOST,
      reachableHost: reachableHost(values.HOST),
      port: values.PORT,
      portSource: ports.api.source,
    },
    apiKeys: values.API_KEYS,
    databaseUrl: values.DATABASE_URL,
    temporal,
    connections,
    publicUrl: values.PUBLIC_URL,
    onDelete: values.ON_DELETE ?? (connections.some(({ mode }) => mode === 'live') ? 'detach' : 'propagate'),
    deleteGuard: values.DELETE_GUARD,
    policy: values.CONFLICT_POLICY,
    sweepCron: values.SWEEP_CRON,
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
