/**
 * The worker's parts in this process, over three systems: Stripe on the simulator behind a gate, and two in memory. The
 * database, Temporal, the workflows, the relay and the pollers are the real ones; memory systems have only one process,
 * so the door and the worker share it here.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { NativeConnection } from '@temporalio/worker';
import { createActivities } from '../../activities';
import { CATALOGS } from '../../src/catalogs/catalogs';
import { createMemoryConnector, createMemorySystem } from '../../src/connectors/memory';
import type { MemorySystem } from '../../src/connectors/memory';
import type { Connector } from '../../src/connectors/connector';
import { NO_LIMITS } from '../../src/connectors/passage';
import { createStripeConnector } from '../../src/connectors/stripe';
import { identifyAtStart } from '../../src/connections/identifyAtStart';
import { parseCatalogName, parseConnectionName, trusted } from '../../src/core/ids';
import type { ConnectionName } from '../../src/core/ids';
import type { Policy } from '../../src/core/fields';
import { runPoller } from '../../src/inbound/poll';
import { createPassage } from '../../src/pace/passage';
import { PROCESS_TIME } from '../../src/pace/time';
import { watch } from '../../src/pace/watch';
import { createRelay } from '../../src/queue/relay';
import { listenForWork } from '../../src/queue/wakeup';
import { startSimulator } from '../../src/simulators/stripe';
import { openDatabase } from '../../src/store/database';
import type { Database } from '../../src/store/database';
import { fingerprintWith, readInstallation } from '../../src/store/installation';
import { createStore } from '../../src/store/store';
import type { Store } from '../../src/store/store';
import { bundleWorkflows } from '../../src/temporal/bundle';
import { createDoorbell, ensureSearchAttributes, openClient } from '../../src/temporal/client';
import { createWorkers } from '../../src/temporal/worker';
import type { WorkerParts } from '../../src/temporal/worker';
import { freshDatabase } from '../environment/database';
import { freshNamespace } from '../environment/namespace';
import type { FreshNamespace } from '../environment/namespace';
import { startGate } from './gate';
import type { Gate } from './gate';

const POLL_MS = 250;
const POOL_SIZE = 12;
const NAMES = ['stripe', 'crm', 'erp'].map((name) => trusted(parseConnectionName(name), 'connection name'));
const [STRIPE, CRM, ERP] = NAMES as [ConnectionName, ConnectionName, ConnectionName];
const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');

const silent = () => undefined;
const log = { info: silent, warn: silent, error: silent, child: () => log };

export interface SeveralSystems {
  readonly database: Database;
  readonly store: Store;
  /** The wire to Stripe. */
  readonly gate: Gate;
  readonly crm: MemorySystem;
  readonly erp: MemorySystem;
  readonly temporal: FreshNamespace;
  /** A call to Stripe as somebody in its dashboard would make it, past the gate. */
  stripe(method: string, route: string, params?: Record<string, string>): Promise<unknown>;
  close(): Promise<void>;
}

function memory(name: ConnectionName): MemorySystem {
  return createMemorySystem({ name, clock: Date.now, nextId: () => `${name}_${randomUUID()}` });
}

function policy(): Policy {
  const fields = [...CATALOGS.values()].flatMap((catalog) => Object.entries(catalog.fields));
  return {
    fields: Object.fromEntries(
      fields.map(([name, { canonical }]) => [name, { canonical, onConflict: 'local' }]),
    ),
    onDelete: 'propagate',
  };
}

interface WorkerGround {
  readonly store: Store;
  readonly url: string;
  readonly installation: string;
  readonly secret: Buffer;
  readonly temporal: FreshNamespace;
}

/** Relay, workers and pollers over these connectors. @returns how to end them */
async function startWorker(
  { store, url, installation, secret, temporal }: WorkerGround,
  connectors: ReadonlyMap<ConnectionName, Connector>,
  options: SeveralSystemsOptions,
): Promise<() => Promise<void>> {
  const stop = new AbortController();
  const stopped = () => stop.signal.aborted;
  // an aborted pause is a pause that is over
  const pause = (ms: number) => sleep(ms, undefined, { signal: stop.signal }).catch(silent);
  const identified = new Set<ConnectionName>();
  const shared = { store, installation, fingerprint: fingerprintWith(secret), log };
  const policies = new Map([[CUSTOMER, policy()]]);
  const activities = createActivities({
    ...shared,
    catalogs: CATALOGS,
    connectors,
    policies,
    deleteGuard: null,
    identified: (name) => identified.has(name),
    random: { uuid: randomUUID },
    logContext: () => ({}),
    runId: () => Context.current().info.workflowExecution?.runId ?? null,
    metrics: { remoteCall: silent, propagated: silent },
  });
  const connection = await NativeConnection.connect({ address: temporal.address });
  const client = openClient({ address: temporal.address }, temporal.namespace);
  await ensureSearchAttributes(client, temporal.namespace);
  const workers = await createWorkers({
    connection,
    namespace: temporal.namespace,
    workflowBundle: await bundleWorkflows(),
    activities,
    connections: [...connectors.keys()],
    ...options,
  });
  const wakeup = listenForWork(url, log);
  const doorbell = createDoorbell(client, [...connectors.keys()], true);
  const relay = createRelay({ queue: store.queue, doorbell, wake: wakeup.wait, log });
  const poll = { ...shared, policies, poller: 'test', now: Date.now, sleep: pause, heard: silent };
  const background = [...connectors.values()].flatMap((connector) => [
    identifyAtStart(
      { store, log, pause, stopped, identified: (name) => void identified.add(name) },
      connector,
    ),
    watch({ store, log, pause, stopped }, connector, NO_LIMITS),
    runPoller(poll, connector, () => POLL_MS, stopped),
  ]);
  const running = Promise.all([relay.run(), ...workers.map((worker) => worker.run()), ...background]);
  return async () => {
    stop.abort();
    relay.stop();
    await wakeup.close();
    for (const worker of workers) worker.shutdown();
    await running;
    await connection.close();
    await client.connection.close();
  };
}

/** Of the workers, as `createWorkers` takes them. */
export type SeveralSystemsOptions = Pick<WorkerParts, 'maxCachedWorkflows'>;

export async function startSeveralSystems(options: SeveralSystemsOptions = {}): Promise<SeveralSystems> {
  const [fresh, simulator, temporal] = await Promise.all([
    freshDatabase(),
    startSimulator({ port: 0 }),
    freshNamespace(),
  ]);
  const gate = await startGate(simulator.url);
  const database = openDatabase(fresh.url, { max: POOL_SIZE, name: 'test', onIdleError: silent });
  const store = createStore(database);
  const { id: installation, secret } = await readInstallation(database);
  const [crm, erp] = [memory(CRM), memory(ERP)];
  const out = { store, log, ...PROCESS_TIME };
  const passageOf = (name: ConnectionName) => createPassage(out, name, NO_LIMITS);
  const connectors = new Map<ConnectionName, Connector>([
    [
      STRIPE,
      createStripeConnector({
        connection: STRIPE,
        installation,
        apiKey: 'sk_test_several',
        apiBase: gate.url,
        webhookSecrets: [],
        simulated: true,
        passage: passageOf(STRIPE),
      }),
    ],
    [CRM, createMemoryConnector({ connection: CRM, installation, system: crm, passage: passageOf(CRM) })],
    [ERP, createMemoryConnector({ connection: ERP, installation, system: erp, passage: passageOf(ERP) })],
  ]);
  for (const connector of connectors.values()) {
    await store.connections.register(connector.connection, connector.system);
  }
  const stopWorker = await startWorker(
    { store, url: fresh.url, installation, secret, temporal },
    connectors,
    options,
  );
  return {
    database,
    store,
    gate,
    crm,
    erp,
    temporal,
    async stripe(method, route, params) {
      const answer = await fetch(simulator.url + route, {
        method,
        headers: { authorization: 'Bearer sk_test_dashboard' },
        ...(params === undefined ? {} : { body: new URLSearchParams(params) }),
      });
      if (!answer.ok) throw new Error(`${method} ${route} was answered ${answer.status}`);
      return answer.json();
    },
    async close() {
      await stopWorker();
      await gate.close();
      await simulator.close();
      await database.close();
      await fresh.drop();
    },
  };
}
