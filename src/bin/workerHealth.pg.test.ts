import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { freshDatabase } from '../../test/environment/database';
import { loadConfig } from '../config';
import { createMetrics } from '../observability/metrics';
import { openDatabase } from '../store/database';
import { createStore } from '../store/store';
import { readinessOf } from './readiness';
import { serveHealth } from './workerHealth';

const log = pino({ level: 'silent' });
const open: Array<() => Promise<unknown>> = [];

afterAll(async () => {
  for (const close of open.toReversed()) await close();
});

function partsOn(url: string) {
  const database = openDatabase(url, { max: 2, name: 'health test', onIdleError: () => undefined });
  open.push(() => database.close());
  return {
    config: loadConfig({ WORKER_PORT: '0' }),
    database,
    store: createStore(database),
    log,
    metrics: createMetrics('test'),
  };
}

async function ready(parts: ReturnType<typeof partsOn>, temporal: boolean) {
  const server = serveHealth(parts, async () => temporal);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}/health/ready`, { headers: { connection: 'close' } });
  const body: unknown = await answer.json();
  server.close();
  await once(server, 'close');
  return [answer.status, body, answer.headers.get('retry-after')];
}

test('the worker tells its readiness in the form of the api, and is not ready without Postgres or Temporal', async () => {
  const fresh = await freshDatabase();
  open.push(() => fresh.drop());
  const parts = partsOn(fresh.url);
  expect(await ready(parts, true)).toEqual([
    200,
    { status: 'ok', parts: { postgres: 'ok', temporal: 'ok' } },
    null,
  ]);
  expect(await ready(parts, false)).toEqual([
    503,
    { status: 'unavailable', parts: { postgres: 'ok', temporal: 'not reachable' } },
    '2',
  ]);
  await parts.database.query(
    `insert into counterpart.connections (name, system, paused_at, pause_code) values ('stripe', 'stripe', now(), 'paused')`,
  );
  const paused = { postgres: 'ok', 'connection stripe': 'paused' };
  expect(await ready(parts, true)).toEqual([
    200,
    { status: 'degraded', parts: { ...paused, temporal: 'ok' } },
    null,
  ]);
  expect(await readinessOf(parts)).toEqual({ ready: true, status: 'degraded', parts: paused });
  await parts.database.query(
    `update counterpart.connections set paused_at = null, pause_code = null, down_since = now(), down_code = 'ECONNREFUSED'`,
  );
  const down = { postgres: 'ok', 'connection stripe': 'down: ECONNREFUSED' };
  expect(await ready(parts, true)).toEqual([
    200,
    { status: 'degraded', parts: { ...down, temporal: 'ok' } },
    null,
  ]);
  expect(await readinessOf(parts)).toEqual({ ready: true, status: 'degraded', parts: down });
});

test('a Postgres that is down is told by both', async () => {
  // Nobody listens on port 1.
  const parts = partsOn('postgres://nobody@127.0.0.1:1/none');
  expect(await ready(parts, true)).toEqual([
    503,
    { status: 'unavailable', parts: { postgres: 'not reachable', temporal: 'ok' } },
    '2',
  ]);
  expect(await readinessOf(parts)).toMatchObject({ ready: false, parts: { postgres: 'not reachable' } });
});
