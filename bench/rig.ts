/**
 * The system under measurement: what `npm start` would start (src/embedded/system), with ports and a data folder of its
 * own, and everything the bench needs to look at it from outside.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { loadConfig } from '../src/config';
import type { Config } from '../src/config';
import { VARIABLES } from '../src/config/variables';
import { openDataFolder, ProcessRecord, simulatorWebhookSecret } from '../src/embedded/dataFolder';
import { ELSEWHERE_FILE } from '../src/embedded/postgresCluster';
import { createSystem } from '../src/embedded/system';
import { unprivilegedUser } from '../src/embedded/unprivilegedUser';
import { wire } from '../src/embedded/wiring';
import type { Wiring } from '../src/embedded/wiring';
import { LocalSide } from './localSide';
import { StripeSide } from './stripeSide';

/** Of every answer of the simulator, half of it before the change is committed there, half after. */
export const SIMULATOR_LATENCY_MS = 50;

const root = path.resolve(__dirname, '..', '..');

export interface Rig {
  readonly wiring: Wiring;
  readonly namespace: string;
  readonly webhookSecret: string;
  readonly local: LocalSide;
  readonly stripe: StripeSide;
  readonly temporal: Client;
  /** Process ids by part. The bench adds its own. */
  readonly parts: Map<string, number>;
}

export interface Stage {
  start(): Promise<Rig>;
  stop(): Promise<void>;
  /** At once, for a person who does not want to wait. */
  kill(): void;
}

/** Remembers which process is which part, for the measurements. */
class PartRecord extends ProcessRecord {
  readonly parts = new Map<string, number>();

  override add(name: string, pid: number): void {
    if (name !== 'migrate') this.parts.set(name, pid);
    super.add(name, pid);
  }
}

function isProductVariable(name: string): boolean {
  if (name === 'TEMPORAL_CLI') return false;
  return name in VARIABLES || /^(TEMPORAL|STRIPE|SIMULATOR|COUNTERPART)_|^PG/.test(name);
}

/** Nothing that a developer has set for the product reaches the bench, but for where the Temporal binary is. */
function environment(dataDir: string): Record<string, string | undefined> {
  const ports = [
    'PORT',
    'WORKER_PORT',
    'TEMPORAL_PORT',
    'TEMPORAL_UI_PORT',
    'SIMULATOR_PORT',
    'POSTGRES_PORT',
  ];
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !isProductVariable(name))),
    ...Object.fromEntries(ports.map((name) => [name, '0'])),
    DATA_DIR: dataDir,
    SIMULATOR_LATENCY_MS: String(SIMULATOR_LATENCY_MS),
  };
}

function removeData(dataDir: string): void {
  const note = path.join(dataDir, ELSEWHERE_FILE);
  if (existsSync(note)) rmSync(readFileSync(note, 'utf8').trim(), { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}

async function connect(config: Config, wiring: Wiring, parts: Map<string, number>): Promise<Rig> {
  const connection = await Connection.connect({ address: wiring.temporalAddress });
  if (wiring.simulatorUrl === null) throw new Error('The bench measures against the simulator only');
  return {
    wiring,
    namespace: config.temporal.namespace,
    webhookSecret: simulatorWebhookSecret(config.dataDir),
    local: await LocalSide.open(wiring.databaseUrl),
    stripe: new StripeSide(wiring.simulatorUrl),
    temporal: new Client({ connection, namespace: config.temporal.namespace }),
    parts,
  };
}

/** @param settings of the product and its simulator, beside the bench's own */
export async function createStage(
  say: (line: string) => void,
  settings: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  const dataDir = path.join(os.tmpdir(), `counterpart-bench-${randomBytes(6).toString('hex')}`);
  const config = loadConfig({ ...environment(dataDir), ...settings });
  openDataFolder(dataDir, unprivilegedUser() !== null);
  const wiring = await wire(config, say);
  const record = new PartRecord(dataDir);
  const system = createSystem({ config, wiring, record, root, say });
  let rig: Rig | null = null;
  return {
    async start() {
      await Promise.race([
        system.start(),
        system.gaveUp.then((name) => Promise.reject(new Error(`${name} could not start`))),
      ]);
      rig = await connect(config, wiring, record.parts);
      return rig;
    },
    async stop() {
      rig?.stripe.close();
      await rig?.local.close();
      await rig?.temporal.connection.close();
      await system.stop();
      removeData(dataDir);
    },
    kill() {
      system.kill();
      removeData(dataDir);
    },
  };
}
