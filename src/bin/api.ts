/** The api process: REST API and webhook receiver. Needs Postgres only; Temporal and Stripe may be down. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { answerUnreadable, createApi, refuse } from '../api';
import type { Resumed } from '../api';
import { loadConfig, readDotenv } from '../config';
import { createConnectionControl } from '../connections/control';
import { REASONS } from '../core/reason';
import { createRegisteredSecrets } from '../inbound/registeredSecrets';
import { createWebhookHandler } from '../inbound/webhook';
import { createGauges } from '../observability/gauges';
import { countParked } from '../store/parked';
import { readQueue, readWaiting, readPolls } from '../store/syncState';
import { assemble } from './assemble';
import { listConnections } from './connectionViews';
import { createEnding } from './ending';
import { exitCodeOf } from './needsAPerson';
import { readinessOf } from './readiness';

const POOL_SIZE = 20;
/** Requests under way get this long to finish after SIGTERM. */
const DRAIN_MS = 8_000;
/** A statement that Postgres does not answer is waited for longer than that. */
const END_MAX_MS = 13_000;

async function main(): Promise<void> {
  const config = loadConfig(process.env, readDotenv());
  const parts = await assemble('api', config, POOL_SIZE);
  const { database, store, log, metrics, connectors } = parts;
  const control = createConnectionControl(store, connectors);
  const setGauges = createGauges(metrics.registry);
  const app = createApi({
    database,
    apiKeys: config.apiKeys,
    log,
    clock: { now: Date.now },
    readiness: () => readinessOf(parts),
    async metricsText() {
      const [queue, waiting, parked, polls, connections] = await Promise.all([
        readQueue(database),
        readWaiting(database),
        countParked(database),
        readPolls(database),
        store.connections.list(),
      ]);
      setGauges({
        queueDepth: queue.depth,
        oldestPendingS: queue.oldestPendingS,
        waiting,
        parked,
        polls: [...polls].map(([connection, { polledAgoS }]) => ({ connection, polledAgoS })),
        connections: connections.map(({ name, paused, down }) => ({
          connection: name,
          paused: paused !== null,
          down: down !== null,
        })),
      });
      return { contentType: metrics.registry.contentType, body: await metrics.registry.metrics() };
    },
    webhook: createWebhookHandler(
      {
        store,
        connectors,
        secrets: createRegisteredSecrets((connection) => store.endpoints.secretsOf(connection)),
        installation: parts.installation.id,
        fingerprint: parts.fingerprint,
        policies: parts.policies,
        now: Date.now,
        log,
        heard: metrics.heard,
      },
      refuse,
    ),
    connections: {
      list: () => listConnections(parts),
      configured: () => [...connectors.keys()],
      pause: (name) => control.pause(name),
      async resume(name): Promise<Resumed> {
        const resumed = await control.resume(name);
        return resumed.kind === 'refused'
          ? { ...resumed, detail: `${REASONS[resumed.code].message} ${resumed.detail ?? ''}`.trim() }
          : resumed;
      },
    },
  });
  const server = answerUnreadable(createServer(app));
  server.listen(config.http.port, config.http.host);
  await once(server, 'listening');
  log.info({ port: (server.address() as AddressInfo).port }, 'api ready');

  const ending = createEnding(log, END_MAX_MS);
  ending.onStop(() => {
    const served = new Promise<void>((resolve) => server.close(() => resolve()));
    setTimeout(() => server.closeAllConnections(), DRAIN_MS).unref();
    server.closeIdleConnections();
    ending
      .part('requests', served)
      .then(() => ending.part('connections to Postgres', database.close()))
      .then(ending.finish, (error: unknown) => log.warn({ err: error }, 'the pool did not close'));
  });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = exitCodeOf(error);
});
