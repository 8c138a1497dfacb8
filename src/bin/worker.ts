/** The worker process: relay, workflows, remote calls, event poll. Needs Postgres and Temporal; waits for both. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { Worker } from '@temporalio/worker';
import { createActivities } from '../../activities';
import { CATALOGS } from '../catalogs/catalogs';
import { loadConfig, readDotenv } from '../config';
import { checkIdentity } from '../connections/account';
import type { Connector } from '../connectors/connector';
import { runPoller } from '../inbound/poll';
import type { PollPorts } from '../inbound/poll';
import { createRelay } from '../queue/relay';
import { listenForWork } from '../queue/wakeup';
import { createDoorbell, ensureSearchAttributes, openClient } from '../temporal/client';
import { createWorkers } from '../temporal/worker';
import { assemble, untilUp } from './assemble';
import type { Assembly } from './assemble';

const POOL_SIZE = 20;
const BUNDLE = path.join(__dirname, '..', '..', 'workflow-bundle.js');
const IDENTIFY_RETRY_MS = 2_000;

/** Health of this process, for the supervisor and container checks. */
interface Health {
  temporal: boolean;
  ready: boolean;
}

async function postgresAnswers(parts: Assembly): Promise<boolean> {
  try {
    await parts.database.query('select 1');
    return true;
  } catch (error) {
    parts.log.warn({ err: error }, 'Postgres does not answer');
    return false;
  }
}

function serveHealth(parts: Assembly, health: Health, temporalAnswers: () => Promise<boolean>) {
  const server = createServer((request, response) => {
    const answer = async (): Promise<[number, string, string]> => {
      if (request.url === '/health/live') return [200, 'application/json', '{"status":"ok"}'];
      if (request.url === '/metrics') {
        return [200, parts.metrics.registry.contentType, await parts.metrics.registry.metrics()];
      }
      if (request.url !== '/health/ready') return [404, 'application/json', '{"status":"not_found"}'];
      const postgres = await postgresAnswers(parts);
      const temporal = health.ready && (await temporalAnswers());
      const fine = postgres && temporal;
      const body = { status: fine ? 'ok' : 'unavailable', parts: { postgres, temporal } };
      return [fine ? 200 : 503, 'application/json', JSON.stringify(body)];
    };
    answer().then(
      ([status, type, body]) => response.writeHead(status, { 'content-type': type }).end(body),
      (error: unknown) => {
        parts.log.error({ err: error }, 'the health check failed');
        response.writeHead(500).end();
      },
    );
  });
  server.listen(parts.config.workerPort, parts.config.http.host);
  return server;
}

/** Asks each connection who it is, until it answers; a wrong account pauses it and says so. */
async function identifyAtStart(parts: Assembly, connector: Connector, stopped: () => boolean): Promise<void> {
  const { store, log } = parts;
  const { connection } = connector;
  while (!stopped()) {
    try {
      const check = await checkIdentity(store.connections, connector);
      if (check.kind === 'right') {
        const { account, apiBase, mode } = check.identity;
        if (account === null && (await store.connections.noteDegraded(connection, 'account'))) {
          log.warn(
            { connection },
            'degraded: this server does not name its account; it is known by its address',
          );
        }
        log.info({ connection, account, api_base: apiBase, mode }, 'connected');
        return;
      }
      if (check.kind === 'wrong') {
        await store.connections.pause(connection, { code: check.reason.code, detail: check.reason.detail });
        log.error(
          { connection, detail: check.reason.detail },
          'connection paused: this key belongs to another account',
        );
        return;
      }
      if (check.failure.kind === 'unauthorized') {
        await store.connections.pause(connection, { code: 'unauthorized', detail: check.failure.code });
        log.error({ connection, code: check.failure.code }, 'connection paused: the key was refused');
        return;
      }
      log.warn(
        { connection, failure: check.failure.kind, code: check.failure.code },
        'the system does not answer yet',
      );
    } catch (error) {
      log.warn({ err: error, connection }, 'the connection could not be identified yet');
    }
    await sleep(IDENTIFY_RETRY_MS);
  }
}

function activitiesOf(parts: Assembly) {
  const { store, connectors, policies, installation, fingerprint, log, metrics } = parts;
  return createActivities({
    store,
    catalogs: CATALOGS,
    connectors,
    policies,
    installation: installation.id,
    fingerprint,
    random: { uuid: randomUUID },
    log,
    logContext() {
      const { workflowExecution, attempt } = Context.current().info;
      const workflow = workflowExecution?.workflowId ?? '';
      return { record_id: workflow.split('/')[1], workflow, run: workflowExecution?.runId, attempt };
    },
    metrics,
  });
}

async function main(): Promise<void> {
  const config = loadConfig(process.env, readDotenv());
  const parts = await assemble('worker', config, POOL_SIZE);
  const { log, store, connectors } = parts;
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ message }) => log.warn({ sdk: true }, message)),
  });
  const client = openClient(
    { ...config.temporal.connection, address: config.temporal.address ?? 'localhost:7233' },
    config.temporal.namespace,
  );
  const health: Health = { temporal: false, ready: false };
  const temporalAnswers = async (): Promise<boolean> => {
    try {
      await client.withDeadline(Date.now() + 2_000, () => client.workflowService.getSystemInfo({}));
      return true;
    } catch (error) {
      log.warn({ err: error }, 'Temporal does not answer');
      return false;
    }
  };
  const server = serveHealth(parts, health, temporalAnswers);
  let stopping = false;
  const stopped = (): boolean => stopping;
  const stopSignal = new AbortController();
  const workers: Worker[] = [];
  const wakeup = listenForWork(parts.databaseUrl, log);
  let searchable = true;
  const relay = createRelay({
    queue: store.queue,
    doorbell: createDoorbell(client, [...connectors.keys()], () => searchable),
    wake: wakeup.wait,
    log,
  });

  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    relay.stop();
    stopSignal.abort();
    void wakeup.close();
    for (const worker of workers) worker.shutdown();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);

  const poll: PollPorts = {
    store,
    installation: parts.installation.id,
    fingerprint: parts.fingerprint,
    policies: parts.policies,
    poller: `${process.pid}-${randomUUID()}`,
    now: Date.now,
    sleep: (ms) => sleep(ms, undefined, { signal: stopSignal.signal }).catch(() => undefined),
    log,
    heard: parts.metrics.heard,
  };
  const background = [...connectors.values()].flatMap((connector) => [
    identifyAtStart(parts, connector, stopped),
    runPoller(poll, connector, config.stripe.pollMs ?? 300_000, stopped),
  ]);

  const connection = await untilUp('Temporal', log, () =>
    NativeConnection.connect({
      ...config.temporal.connection,
      address: config.temporal.address ?? 'localhost:7233',
    }),
  );
  const missing = await untilUp('Temporal', log, () =>
    ensureSearchAttributes(client, config.temporal.namespace),
  );
  if (missing.length > 0) {
    searchable = false;
    log.warn(
      { missing },
      `runs carry no search attributes; register them: temporal operator search-attribute create`,
    );
  }
  workers.push(
    ...(await createWorkers({
      connection,
      namespace: config.temporal.namespace,
      workflowBundle: { codePath: BUNDLE },
      activities: activitiesOf(parts),
      connections: [...connectors.keys()],
    })),
  );
  health.ready = true;
  log.info({ connections: [...connectors.keys()] }, 'worker ready');
  if (!stopping) await Promise.all([relay.run(), ...workers.map((worker) => worker.run())]);
  stop();
  await Promise.all(background);
  await connection.close();
  await client.connection.close();
  server.close();
  await parts.database.close();
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
