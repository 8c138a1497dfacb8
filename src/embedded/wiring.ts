import path from 'node:path';

import type { Config } from '../config';
import { simulatorWebhookSecret } from './dataFolder';
import { choosePort } from './ports';
import { embeddedPostgresUrl } from './postgres';

/** What the simulator takes for a key; any sk_test_ would do. */
const SIMULATOR_KEY = 'sk_test_simulator';

/** Every address of this start, decided before anything runs, so that the parts can start side by side. */
export interface Wiring {
  readonly ports: {
    readonly api: number;
    readonly worker: number;
    readonly temporal: number | null;
    readonly temporalUi: number | null;
    readonly simulator: number | null;
    readonly postgres: number | null;
  };
  /** Where this machine reaches the API; HOST may be an address one cannot type into a browser. */
  readonly apiUrl: string;
  readonly workerUrl: string;
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly temporalUiUrl: string | null;
  readonly simulatorUrl: string | null;
}

/** Chooses all ports (ports.ts has the rules). Throws naming the variable when one that was set is taken. */
export async function wire(config: Config, say: (line: string) => void): Promise<Wiring> {
  const explicit = Object.values(config.ports).filter(
    (setting) => setting.source !== 'default' && setting.port !== 0,
  );
  const reserved = new Set(explicit.map((setting) => setting.port));
  const choose = (part: keyof Config['ports'], forWhat: string, host?: string) =>
    choosePort(config.ports[part], forWhat, reserved, say, host);
  const ownTemporal = config.temporal.address === null;
  const ports = {
    api: await choose('api', 'the API', config.http.host),
    worker: await choose('worker', "the worker's health page"),
    temporal: ownTemporal ? await choose('temporal', 'Temporal') : null,
    temporalUi: ownTemporal ? await choose('temporalUi', "Temporal's Web UI") : null,
    simulator: simulates(config) ? await choose('simulator', 'the Stripe simulator') : null,
    postgres: config.databaseUrl === null ? await choose('postgres', 'Postgres') : null,
  };
  return {
    ports,
    apiUrl: `http://${config.http.reachableHost}:${ports.api}`,
    workerUrl: `http://127.0.0.1:${ports.worker}`,
    databaseUrl: config.databaseUrl ?? embeddedPostgresUrl(ports.postgres ?? 0),
    temporalAddress: config.temporal.address ?? `127.0.0.1:${ports.temporal}`,
    temporalUiUrl: ports.temporalUi === null ? null : `http://127.0.0.1:${ports.temporalUi}`,
    simulatorUrl: ports.simulator === null ? null : `http://127.0.0.1:${ports.simulator}`,
  };
}

function embeddedParts(wiring: Wiring): string[] {
  const { postgres, temporal, simulator } = wiring.ports;
  const parts = { postgres, temporal, simulator };
  return Object.entries(parts)
    .filter(([, port]) => port !== null)
    .map(([name]) => name);
}

/** The simulator signs with the first secret that was set, or with one made for this DATA_DIR. */
function webhookSecrets(config: Config): string {
  return config.variables['STRIPE_WEBHOOK_SECRET'] ?? simulatorWebhookSecret(config.dataDir);
}

/** Whether a connection is to our own simulator. */
function simulates(config: Config): boolean {
  return config.connections.some(({ mode }) => mode === 'simulator');
}

/** The environment of migrate, api and worker: everything that was set, with every address resolved. */
export function programEnvironment(config: Config, wiring: Wiring): Record<string, string> {
  const { ports } = wiring;
  const environment: Record<string, string> = {
    ...config.variables,
    HOST: config.http.host,
    PORT: String(ports.api),
    WORKER_PORT: String(ports.worker),
    DATA_DIR: config.dataDir,
    LOG_LEVEL: config.logLevel,
    DATABASE_URL: wiring.databaseUrl,
    COUNTERPART_EMBEDDED: embeddedParts(wiring).join(','),
  };
  if (ports.temporal !== null && ports.temporalUi !== null) {
    environment['TEMPORAL_ADDRESS'] = wiring.temporalAddress;
    environment['TEMPORAL_NAMESPACE'] = config.temporal.namespace;
    environment['TEMPORAL_PORT'] = String(ports.temporal);
    environment['TEMPORAL_UI_PORT'] = String(ports.temporalUi);
  }
  if (ports.postgres !== null) environment['POSTGRES_PORT'] = String(ports.postgres);
  if (ports.simulator !== null && wiring.simulatorUrl !== null) {
    environment['SIMULATOR_PORT'] = String(ports.simulator);
    environment['STRIPE_API_KEY'] = SIMULATOR_KEY;
    environment['STRIPE_API_BASE'] = wiring.simulatorUrl;
    environment['STRIPE_WEBHOOK_SECRET'] = webhookSecrets(config);
  }
  return environment;
}

/** The simulator knows nothing of the product but where to deliver webhooks. */
export function simulatorEnvironment(config: Config, wiring: Wiring): Record<string, string> {
  const kept = Object.entries(config.variables).filter(
    ([name]) => !/^(STRIPE_|TEMPORAL_|DATABASE_URL$|API_KEYS$)/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    SIMULATOR_PORT: String(wiring.ports.simulator),
    SIMULATOR_DATA: path.join(config.dataDir, 'simulator'),
    SIMULATOR_WEBHOOK_URL: `${wiring.apiUrl}/webhooks/stripe`,
    SIMULATOR_WEBHOOK_SECRET: webhookSecrets(config).split(',')[0]?.trim() ?? '',
  };
}
