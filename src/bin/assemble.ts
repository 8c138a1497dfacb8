/**
 * The parts every process is made of, wired once from the configuration. Composition roots stand beside this file; only
 * they and src/temporal/worker know all the rooms.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createStore } from '../store/store';
import type { Store } from '../store/store';
import { CATALOGS } from '../catalogs/catalogs';
import type { Config } from '../config';
import type { Connector } from '../connectors/connector';
import type { FieldRule, Policy } from '../core/fields';
import type { CatalogName, ConnectionName } from '../core/ids';
import { createLog } from '../observability/log';
import { createMetrics } from '../observability/metrics';
import type { Metrics } from '../observability/metrics';
import { createPassage } from '../pace/passage';
import type { PassagePorts } from '../pace/passage';
import { PROCESS_TIME } from '../pace/time';
import { openDatabase } from '../store/database';
import type { Database } from '../store/database';
import { fingerprintWith, readInstallation } from '../store/installation';
import type { Fingerprint, Installation } from '../store/installation';
import { messageOf } from '../embedded/processes';
import { causeOf, NeedsAPerson } from './needsAPerson';
import type { Logger } from 'pino';

export interface Assembly {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly database: Database;
  readonly store: Store;
  readonly installation: Installation;
  readonly fingerprint: Fingerprint;
  readonly connectors: ReadonlyMap<ConnectionName, Connector>;
  readonly policies: ReadonlyMap<CatalogName, Policy>;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** A look or request that meets a held row gives its connection back and is tried again. */
const LOCK_TIMEOUT_MS = 500;
const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 5_000;

/** Field policies by catalog: what the configuration says, `local` where it says nothing. */
export function policiesFrom(config: Pick<Config, 'policy' | 'onDelete'>): Map<CatalogName, Policy> {
  return new Map(
    [...CATALOGS.values()].map((catalog) => {
      const rules = Object.entries(catalog.fields).map(([name, field]): [string, FieldRule] => [
        name,
        { canonical: field.canonical, onConflict: config.policy.fields[name] ?? config.policy.default },
      ]);
      return [catalog.name, { fields: Object.fromEntries(rules), onDelete: config.onDelete }];
    }),
  );
}

/**
 * The configured connections, the highest rank first. All that is sent to one leaves through its passage.
 * @throws NeedsAPerson when the settings of one are wrong
 */
function connectorsFrom(
  { connections }: Config,
  { id }: Installation,
  parts: Pick<PassagePorts, 'store' | 'log'>,
): Map<ConnectionName, Connector> {
  const ports = { ...parts, ...PROCESS_TIME };
  try {
    return new Map(
      connections.map(({ name, limits, connect }) => [name, connect(id, createPassage(ports, name, limits))]),
    );
  } catch (error) {
    throw new NeedsAPerson(messageOf(error), { cause: error });
  }
}

const NEVER = { stopped: () => false, pause: (ms: number) => sleep(ms) };

/**
 * Waits for something that may not be up yet, saying so, and why where that is known, for as long as it takes.
 * @returns null when the process was told to stop meanwhile
 * @throws NeedsAPerson for what no waiting heals
 */
export async function untilUp<T>(
  what: string,
  log: Logger,
  attempt: () => Promise<T>,
  { stopped, pause }: { stopped: () => boolean; pause: (ms: number) => Promise<unknown> },
): Promise<T | null> {
  for (let pause_ms = RETRY_FIRST_MS; !stopped(); pause_ms = Math.min(pause_ms * 2, RETRY_LAST_MS)) {
    try {
      return await attempt();
    } catch (error) {
      const cause = causeOf(error);
      if (cause?.heals === false)
        throw new NeedsAPerson(`${cause.text}. ${messageOf(error)}`, { cause: error });
      const why = cause?.text ?? `${what} is not reachable yet`;
      log.warn({ err: error, retry_in_ms: pause_ms }, `${why}; trying again`);
      await pause(pause_ms);
    }
  }
  return null;
}

/** As `untilUp`, for what must be there before the process can even be told to stop in order. */
export async function whenUp<T>(what: string, log: Logger, attempt: () => Promise<T>): Promise<T> {
  const result = await untilUp(what, log, attempt, NEVER);
  if (result === null) throw new Error('Waiting without an end ended');
  return result;
}

/**
 * @param poolSize Postgres connections at most of this process
 * @throws when no DATABASE_URL is configured: `npm start` sets it for its children
 */
export async function assemble(process_name: string, config: Config, poolSize: number): Promise<Assembly> {
  const { databaseUrl } = config;
  if (databaseUrl === null) {
    throw new NeedsAPerson(
      'DATABASE_URL is not set. `npm start` brings its own Postgres; a process by itself needs the URL.',
    );
  }
  const policies = policiesFrom(config);
  const log = createLog(process_name, config.logLevel);
  const database = openDatabase(databaseUrl, {
    max: poolSize,
    name: `counterpart ${process_name}`,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    onIdleError: (error) =>
      log.warn({ err: error }, 'an idle Postgres connection broke; the pool replaces it'),
  });
  try {
    const installation = await whenUp('Postgres', log, () => readInstallation(database));
    const store = createStore(database);
    const connectors = connectorsFrom(config, installation, { store, log });
    for (const connector of connectors.values()) {
      await whenUp('Postgres', log, () => store.connections.register(connector.connection, connector.system));
    }
    return {
      config,
      databaseUrl,
      database,
      store,
      installation,
      fingerprint: fingerprintWith(installation.secret),
      connectors,
      policies,
      log,
      metrics: createMetrics(process_name),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
