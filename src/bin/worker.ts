/** The worker process: relay, workflows, remote calls, event poll. Needs Postgres and Temporal; waits for both. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { Context } from '@temporalio/activity';
import { NativeConnection } from '@temporalio/worker';
import type { NativeConnectionOptions } from '@temporalio/worker';
import type { Client, ConnectionOptions } from '@temporalio/client';
import { sendingAtOnce } from '../../activities';
import type { Activities } from '../../activities';
import type { ConnectionName } from '../core/ids';
import { CATALOGS } from '../catalogs/catalogs';
import { loadConfig, readDotenv } from '../config';
import { identifyAtStart } from '../connections/identifyAtStart';
import { keepWebhookEndpoint } from '../connections/webhookEndpoint';
import type { WebhookEndpointPorts } from '../connections/webhookEndpoint';
import type { Connector } from '../connectors/connector';
import { runPoller } from '../inbound/poll';
import type { PollPorts } from '../inbound/poll';
import { gaugeFailedRuns } from '../observability/metrics';
import { inFlightRows } from '../pace/capacity';
import { watch } from '../pace/watch';
import { createRelay } from '../queue/relay';
import type { Doorbell } from '../queue/relay';
import { listenForWork } from '../queue/wakeup';
import { exclusively } from '../store/exclusive';
import { removeExpired } from '../store/housekeeping';
import { createDoorbell, ensureSearchAttributes, openClient } from '../temporal/client';
import { countFailedRuns } from '../temporal/failedRuns';
import { SEARCH_ATTRIBUTES } from '../temporal/names';
import { logSdkThrough } from '../temporal/sdkLog';
import { createWorkers } from '../temporal/worker';
import { assemble, untilUp } from './assemble';
import { createEnding } from './ending';
import type { Ending } from './ending';
import { inLanes } from './lanes';
import type { Assembly } from './assemble';
import { keepSweeping } from './sweeps';
import { exitCodeOf } from './needsAPerson';
import { serveHealth } from './workerHealth';

const POOL_SIZE = 20;
const BUNDLE = path.join(__dirname, '..', '..', 'workflow-bundle.js');
const DEFAULT_TEMPORAL = 'localhost:7233';
const TEMPORAL_ANSWERS_MS = 2_000;
const HOUSEKEEPING_EVERY_MS = 3_600_000;
/** Activities under way get 15 s (src/temporal/worker.ts); the SDK's own farewell to Temporal may take 30. */
const END_MAX_MS = 18_000;

async function temporalAnswers(client: Client, log: Assembly['log']): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + TEMPORAL_ANSWERS_MS, () =>
      client.workflowService.getSystemInfo({}),
    );
    return true;
  } catch (error) {
    log.warn({ err: error }, 'Temporal does not answer');
    return false;
  }
}

/** Removes what is past its retention, now and every hour. */
async function keepHouse(
  parts: Assembly,
  pause: (ms: number) => Promise<unknown>,
  stopped: () => boolean,
): Promise<void> {
  while (!stopped()) {
    try {
      while ((await removeExpired(parts.database)) > 0 && !stopped());
    } catch (error) {
      parts.log.warn({ err: error }, 'expired rows could not be removed; tried again in an hour');
    }
    await pause(HOUSEKEEPING_EVERY_MS);
  }
}

function activitiesOf(parts: Assembly, identified: ReadonlySet<ConnectionName>) {
  const { store, connectors, policies, installation, fingerprint, log, metrics } = parts;
  return sendingAtOnce({
    store,
    catalogs: CATALOGS,
    connectors,
    policies,
    deleteGuard: parts.config.deleteGuard,
    installation: installation.id,
    identified: (connection) => identified.has(connection),
    fingerprint,
    random: { uuid: randomUUID },
    log,
    logContext() {
      const { workflowExecution, attempt } = Context.current().info;
      const workflow = workflowExecution?.workflowId ?? '';
      return { record_id: workflow.split('/')[1], workflow, run: workflowExecution?.runId, attempt };
    },
    runId: () => Context.current().info.workflowExecution?.runId ?? null,
    metrics,
  });
}

function startBackground(
  parts: Assembly,
  { pause, stopped }: Ending,
  identified: Set<ConnectionName>,
): Promise<unknown> {
  const { store, log, connectors, config } = parts;
  const poll: PollPorts = {
    store,
    installation: parts.installation.id,
    fingerprint: parts.fingerprint,
    policies: parts.policies,
    poller: `${process.pid}-${randomUUID()}`,
    now: Date.now,
    sleep: pause,
    log,
    heard: parts.metrics.heard,
  };
  const delivering = new Set<ConnectionName>();
  const endpoints: WebhookEndpointPorts = {
    store,
    log,
    pause,
    stopped,
    exclusively: (name, work) => exclusively(parts.database, name, work),
    delivers: (name, yes) => void (yes ? delivering.add(name) : delivering.delete(name)),
  };
  const urlOf = ({ connection }: Connector): string | null =>
    config.publicUrl === null ? null : `${config.publicUrl}/webhooks/${connection}`;
  return Promise.all([
    keepHouse(parts, pause, stopped),
    ...[...connectors.values()].map((connector) =>
      identifyAtStart(
        { store, log, pause, stopped, identified: (name) => void identified.add(name) },
        connector,
      ).then(() => keepWebhookEndpoint(endpoints, connector, urlOf(connector))),
    ),
    ...config.connections.flatMap(({ name, limits }) => {
      const connector = connectors.get(name);
      return connector === undefined ? [] : [watch({ store, log, pause, stopped }, connector, limits)];
    }),
    ...config.connections.flatMap(({ name, pollMs, pollUntilRegisteredMs = pollMs }) => {
      const connector = connectors.get(name);
      const pace = () => (delivering.has(name) ? pollMs : pollUntilRegisteredMs);
      return connector === undefined ? [] : [runPoller(poll, connector, pace, stopped)];
    }),
  ]);
}

/** Waits for Temporal, then makes the workers. @returns null when the process was stopped meanwhile */
async function connectWorkers(parts: Assembly, temporal: Temporal, ending: Ending, activities: Activities) {
  const { log, connectors } = parts;
  const connection = await untilUp('Temporal', log, () => NativeConnection.connect(temporal.options), ending);
  if (connection === null) return null;
  const missing = await untilUp(
    'Temporal',
    log,
    () => ensureSearchAttributes(temporal.client, temporal.namespace),
    ending,
  );
  if (missing === null) return null;
  if (missing.length > 0) {
    const command = missing.map((name) => `--name ${name} --type ${SEARCH_ATTRIBUTES[name]}`).join(' ');
    log.warn(
      { missing },
      `runs carry no search attributes; to register them: temporal operator search-attribute create ${command}`,
    );
  }
  const workers = await createWorkers({
    connection,
    namespace: temporal.namespace,
    workflowBundle: { codePath: BUNDLE },
    activities,
    connections: [...connectors.keys()],
  });
  return { connection, workers, searchable: missing.length === 0 };
}

interface Temporal {
  readonly client: Client;
  readonly namespace: string;
  readonly options: ConnectionOptions & NativeConnectionOptions;
}

function openTemporal({ config }: Assembly): Temporal {
  const { connection, address, namespace } = config.temporal;
  const options = { ...connection, address: address ?? DEFAULT_TEMPORAL };
  return { client: openClient(options, namespace), namespace, options };
}

async function main(): Promise<void> {
  const config = loadConfig(process.env, readDotenv());
  const parts = await assemble('worker', config, POOL_SIZE);
  const { log, store, connectors } = parts;
  logSdkThrough(log);
  const temporal = openTemporal(parts);
  gaugeFailedRuns(parts.metrics.registry, temporal.namespace, () => countFailedRuns(temporal.client));
  const ending = createEnding(log, END_MAX_MS);
  let serving = false;
  const server = serveHealth(parts, async () => serving && (await temporalAnswers(temporal.client, log)));
  const identified = new Set<ConnectionName>();
  const background = startBackground(parts, ending, identified);
  try {
    const activities = inLanes(activitiesOf(parts, identified));
    const connected = await ending.part(
      'connecting to Temporal',
      connectWorkers(parts, temporal, ending, activities),
    );
    if (connected !== null) {
      const { connection, workers, searchable } = connected;
      const wakeup = listenForWork(parts.databaseUrl, log);
      const bell = createDoorbell(temporal.client, [...connectors.keys()], searchable);
      const doorbell: Doorbell = {
        async ring(record) {
          await bell.ring(record);
          parts.metrics.rang();
        },
      };
      const relay = createRelay({
        queue: store.queue,
        doorbell,
        wake: wakeup.wait,
        log,
        inFlightRows: inFlightRows(parts.config.connections.map(({ limits }) => limits)),
      });
      ending.onStop(() => {
        relay.stop();
        void wakeup.close();
        for (const worker of workers) worker.shutdown();
      });
      serving = true;
      log.info({ connections: [...connectors.keys()] }, 'worker ready');
      await Promise.all([
        ending.part('relay', relay.run()),
        ending.part('sweeps', keepSweeping(parts, temporal.client, ending)),
        ...workers.map((worker) =>
          ending.part(`activities and farewell of ${worker.options.taskQueue}`, worker.run()),
        ),
      ]);
      await ending.part('connection to Temporal', connection.close());
    }
  } finally {
    ending.stop();
    await ending.part('polls, watches and housekeeping', background);
    await ending.part('client of Temporal', temporal.client.connection.close());
    server.close();
    await ending.part('connections to Postgres', parts.database.close());
    ending.finish();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  // A worker that broke is replaced by whoever supervises this process.
  process.exit(exitCodeOf(error));
});
