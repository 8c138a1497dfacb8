/**
 * The whole system as real processes on one machine: Postgres, Temporal with a data file, the Stripe simulator, two apis, two
 * workers, and a proxy on every link between them.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Pool } from 'pg';
import { embeddedPostgresUrl, startPostgres } from '../../src/embedded/postgres';
import { clusterFolder } from '../../src/embedded/postgresCluster';
import { startTemporal } from '../../src/embedded/temporal';
import { resolveTemporalBinary } from '../../src/embedded/temporalBinary';
import { unprivilegedUser } from '../../src/embedded/unprivilegedUser';
import { migrate } from '../../src/store/migrate';
import { createDashboard } from './dashboard';
import type { Dashboard } from './dashboard';
import { choosePorts, portOf, SIDES, startLinks } from './links';
import type { Link, Ports } from './links';
import { createPart, programPart } from './part';
import type { Part } from './part';
import { recordRequests } from './requests';
import type { RequestRecord } from './requests';
import { createRuns } from './temporalRuns';
import type { Runs } from './temporalRuns';
import { within } from './waiting';

/** What the product's processes show the simulator; people there use another key, so that faults can tell them apart. */
export const PRODUCT_KEY = 'sk_test_chaos';
export const WEBHOOK_SECRET = 'whsec_chaos0123456789abcdef0123456789ab';
const NAMESPACE = 'default';
const LATENCY_MS = 5;
const READY_MS = 60_000;
const ASK_MS = 2_000;
/** The stop order of `npm start`: users before what they use. */
const STOP_ORDER = ['api-a', 'api-b', 'worker-a', 'worker-b', 'simulator', 'temporal', 'postgres'] as const;
const END_MS = 20_000;

export type PartName = (typeof STOP_ORDER)[number];
export const PART_NAMES: readonly PartName[] = STOP_ORDER;

export interface Stage {
  readonly folder: string;
  readonly logs: string;
  readonly parts: Readonly<Record<PartName, Part>>;
  readonly links: readonly Link[];
  /** The apis' own addresses, without a proxy. */
  readonly apis: readonly [string, string];
  readonly workers: readonly [string, string];
  /** Straight to Postgres, without a proxy. */
  readonly pool: Pool;
  readonly temporal: { readonly address: string; readonly namespace: string; readonly databaseFile: string };
  /** Straight to Temporal, without a proxy. */
  readonly runs: Runs;
  readonly dashboard: Dashboard;
  readonly requests: RequestRecord;
  /** Resolves when every process says that it can do its job. @throws when one does not in time */
  ready(): Promise<void>;
  /** Ends everything. @returns what did not end when asked to */
  stop(): Promise<string[]>;
  /** At once; for a person who does not want to wait. */
  kill(): Promise<void>;
  removeFolder(keepLogs: boolean): void;
}

function programs(ports: Ports, links: readonly Link[], logs: string, settings: Record<string, string>) {
  const env = (side: 'a' | 'b', room: 'api' | 'worker'): Record<string, string> => {
    const index = SIDES.indexOf(side);
    const database = new URL(embeddedPostgresUrl(portOf(links, `${room}-${side}->postgres`)));
    return {
      DATABASE_URL: database.href,
      TEMPORAL_ADDRESS: `127.0.0.1:${portOf(links, `worker-${side}->temporal`)}`,
      TEMPORAL_NAMESPACE: NAMESPACE,
      STRIPE_API_KEY: PRODUCT_KEY,
      STRIPE_API_BASE: `http://127.0.0.1:${room === 'api' ? ports.simulator : portOf(links, `worker-${side}->simulator`)}`,
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
      PORT: String(ports.apis[index]),
      WORKER_PORT: String(ports.workers[index]),
      SWEEP_CRON: 'off',
      ...settings,
    };
  };
  const program = (room: 'api' | 'worker', side: 'a' | 'b'): Part =>
    programPart(`${room}-${side}`, room, env(side, room), logs);
  return {
    'api-a': program('api', 'a'),
    'api-b': program('api', 'b'),
    'worker-a': program('worker', 'a'),
    'worker-b': program('worker', 'b'),
  };
}

function servers(folder: string, logs: string, ports: Ports, links: readonly Link[], binary: string) {
  const postgres = createPart(
    'postgres',
    () => startPostgres({ dataDir: folder, port: ports.postgres, logFile: path.join(logs, 'postgres.log') }),
    'SIGINT',
  );
  const temporal = createPart(
    'temporal',
    () =>
      startTemporal({
        binary,
        databaseFile: path.join(folder, 'temporal', 'temporal.db'),
        port: ports.temporal,
        uiPort: ports.temporalUi,
        namespace: NAMESPACE,
        logFile: path.join(logs, 'temporal.log'),
      }),
    'SIGINT',
  );
  const simulator = programPart(
    'simulator',
    'simulator',
    {
      SIMULATOR_PORT: String(ports.simulator),
      SIMULATOR_DATA: path.join(folder, 'simulator'),
      SIMULATOR_LATENCY_MS: String(LATENCY_MS),
      SIMULATOR_FAULTS: '1',
      SIMULATOR_WEBHOOK_URL: `http://127.0.0.1:${portOf(links, 'simulator->apis')}/webhooks/stripe`,
      SIMULATOR_WEBHOOK_SECRET: WEBHOOK_SECRET,
    },
    logs,
  );
  return { postgres, temporal, simulator };
}

async function answersOk(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(ASK_MS) }).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.ok;
    },
    () => false,
  );
}

function makeFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'counterpart-chaos-'));
  // as root, Postgres runs as another user, who must be able to enter
  if (unprivilegedUser() !== null) chmodSync(folder, 0o711);
  return folder;
}

function removeFolder(folder: string, keepLogs: boolean): void {
  const cluster = clusterFolder(folder, unprivilegedUser(), () => undefined);
  const data = ['temporal', 'simulator', 'postgres'].map((name) => path.join(folder, name));
  for (const gone of keepLogs ? [cluster, ...data] : [cluster, folder]) {
    rmSync(gone, { recursive: true, force: true });
  }
}

/** @param settings more environment of apis and workers */
export async function createStage(
  seed: number,
  settings: Record<string, string>,
  say: (line: string) => void,
): Promise<Stage> {
  const binary = await resolveTemporalBinary({
    cli: process.env['TEMPORAL_CLI'] || null,
    env: process.env,
    say,
  });
  const folder = makeFolder();
  const logs = path.join(folder, 'logs');
  const ports = await choosePorts();
  const links = await startLinks(ports, seed);
  const parts = {
    ...servers(folder, logs, ports, links, binary.path),
    ...programs(ports, links, logs, settings),
  };
  const pool = new Pool({
    connectionString: embeddedPostgresUrl(ports.postgres),
    max: 12,
    connectionTimeoutMillis: 4_000,
  });
  // a connection that broke while idle; the pool replaces it
  pool.on('error', () => undefined);
  const simulatorUrl = `http://127.0.0.1:${ports.simulator}`;
  const address = (port: number): string => `http://127.0.0.1:${port}`;
  const apis = [address(ports.apis[0]), address(ports.apis[1])] as const;
  const workers = [address(ports.workers[0]), address(ports.workers[1])] as const;
  const requests = recordRequests(simulatorUrl);
  const runs = createRuns(`127.0.0.1:${ports.temporal}`, NAMESPACE);
  return {
    folder,
    logs,
    parts,
    links,
    apis,
    workers,
    pool,
    temporal: {
      address: `127.0.0.1:${ports.temporal}`,
      namespace: NAMESPACE,
      databaseFile: path.join(folder, 'temporal', 'temporal.db'),
    },
    runs,
    dashboard: createDashboard(simulatorUrl),
    requests,
    async ready() {
      await within('api and worker processes are ready', READY_MS, async () => {
        const urls = [...apis, ...workers].map((url) => `${url}/health/ready`);
        return (await Promise.all(urls.map(answersOk))).every(Boolean);
      });
    },
    async stop() {
      requests.stop();
      await runs.close();
      const late: string[] = [];
      for (const name of STOP_ORDER) {
        if (name === 'postgres') await pool.end();
        if ((await parts[name].terminate(END_MS)) === null) late.push(name);
      }
      await Promise.all(links.map((link) => link.proxy.close()));
      return late;
    },
    async kill() {
      requests.stop();
      for (const name of STOP_ORDER) parts[name].retire();
      await Promise.all(STOP_ORDER.map((name) => parts[name].kill()));
    },
    removeFolder: (keepLogs) => removeFolder(folder, keepLogs),
  };
}

export async function startStage(stage: Stage): Promise<void> {
  const { parts } = stage;
  await Promise.all([parts.postgres.start(), parts.temporal.start(), parts.simulator.start()]);
  const { rows } = await stage.pool.query<{ port: string }>('show port');
  await migrate(embeddedPostgresUrl(Number(rows[0]?.port)));
  await Promise.all(SIDES.flatMap((side) => [parts[`api-${side}`].start(), parts[`worker-${side}`].start()]));
  await within('the simulator answers', READY_MS, () => stage.dashboard.answers());
  stage.requests.start();
  await stage.ready();
}
