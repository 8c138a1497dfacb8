/** Temporal stops, comes back, comes back empty: the queue is the truth, so nothing is lost. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { anyFreePort } from '../../src/embedded/ports';
import { startTemporal } from '../../src/embedded/temporal';
import type { RunningTemporal } from '../../src/embedded/temporal';
import { resolveTemporalBinary } from '../../src/embedded/temporalBinary';
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

let folder: string;
let server: RunningTemporal;
let stage: Stage;
let start: () => Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'counterpart-temporal-'));
  const [port, uiPort] = [await anyFreePort(), await anyFreePort()];
  const binary = await resolveTemporalBinary({
    cli: process.env['TEMPORAL_CLI'] ?? null,
    env: process.env,
    say: () => undefined,
  });
  start = async () => {
    server = await startTemporal({
      binary: binary.path,
      databaseFile: path.join(folder, 'temporal.db'),
      port,
      uiPort,
      namespace: 'default',
      logFile: path.join(folder, 'temporal.log'),
    });
  };
  await start();
  stage = await startStage({ temporal: { address: server.address, namespace: 'default' } });
}, 90_000);

afterEach(async () => {
  await stage.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

async function show(id: string): Promise<Loose> {
  return (await stage.call('GET', `/customers/${id}`)).body;
}

async function inSync(id: string): Promise<void> {
  await until('it is in sync', async () => (await show(id)).sync[0].state === 'in_sync', 60_000);
}

async function changesWhileAway(): Promise<{ ids: string[]; remoteId: string }> {
  const answers = await Promise.all(
    ['One', 'Two', 'Three'].map((name) =>
      stage.call('POST', '/customers', { name, email: `${name}@example.com` }),
    ),
  );
  expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201]);
  const born = await stage.stripe('POST', '/v1/customers', {
    name: 'Born meanwhile',
    email: 'meanwhile@example.com',
  });
  await until('the webhook was taken', async () => {
    const { rowCount } = await stage.pool.query('select 1 from counterpart.events where remote_id = $1', [
      born.id,
    ]);
    return rowCount === 1;
  });
  return { ids: answers.map((answer) => answer.body.id), remoteId: born.id };
}

async function allArrived({ ids, remoteId }: { ids: string[]; remoteId: string }): Promise<void> {
  await Promise.all(ids.map(inSync));
  await until(
    'what was born meanwhile is here',
    async () => {
      const { data } = (await stage.call('GET', '/customers?email=meanwhile@example.com')).body;
      return data[0]?.sync[0]?.remote_id === remoteId;
    },
    60_000,
  );
  expect((await stage.stripe('GET', '/v1/customers?limit=100')).data).toHaveLength(4);
}

test('failure 40: Temporal is away: the API and the webhook keep answering, and all of it arrives afterwards', async () => {
  await server.stop();
  const meanwhile = await changesWhileAway();
  await until('the relay has said so', async () =>
    stage.worker.output().includes('Temporal does not take rings'),
  );
  expect((await fetch(`${stage.workerUrl}/health/ready`)).status).toBe(503);
  expect((await fetch(`${stage.url}/health/ready`)).status).toBe(200);
  await start();
  await allArrived(meanwhile);
}, 180_000);

test('failure 49: Temporal comes back with its data gone: everything pending arrives, and nothing happens twice', async () => {
  const { body } = await stage.call('POST', '/customers', { name: 'Before', email: 'before@example.com' });
  await inSync(body.id);
  const writes = (await stage.writes()).length;
  await stage.stripe('DELETE', `/v1/customers/${(await show(body.id)).sync[0].remote_id}`);
  await until('it is gone', async () => (await stage.call('GET', `/customers/${body.id}`)).status === 410);
  await stage.settled();
  await server.stop();
  rmSync(path.join(folder, 'temporal.db'));
  const meanwhile = await changesWhileAway();
  await start();
  await allArrived(meanwhile);
  expect((await stage.writes()).length).toBe(writes + 3);
}, 180_000);
