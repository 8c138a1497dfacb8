/** Postgres restarts under load, or comes up last of all. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { anyFreePort } from '../../src/embedded/ports';
import { startPostgres } from '../../src/embedded/postgres';
import { unprivilegedUser } from '../../src/embedded/unprivilegedUser';
import { migrate } from '../../src/store/migrate';
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

let folder: string;
let port: number;
let server: Awaited<ReturnType<typeof startPostgres>>;
let stage: Stage | undefined;

async function start(): Promise<void> {
  server = await startPostgres({
    dataDir: folder,
    port,
    logFile: path.join(folder, 'postgres.log'),
    durable: true,
    say: () => undefined,
  });
}

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'counterpart-postgres-'));
  // as root, Postgres runs as another user, who must be able to enter
  if (unprivilegedUser() !== null) chmodSync(folder, 0o711);
  port = await anyFreePort();
  await start();
  await migrate(server.url);
}, 60_000);

afterEach(async () => {
  await stage?.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

test('failure 36: Postgres restarts: the API says 503 meanwhile, a webhook is not acknowledged, and all goes on by itself', async () => {
  const on = await startStage({ databaseUrl: server.url });
  stage = on;
  const first = await on.call('POST', '/customers', { name: 'Before', email: 'before@example.com' });
  await on.settled();
  await server.stop();
  const refused = await on.call('POST', '/customers', { name: 'While', email: 'while@example.com' });
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).not.toBeNull();
  expect((await fetch(`${on.url}/health/ready`)).status).toBe(503);
  const born = await on.stripe('POST', '/v1/customers', {
    name: 'Born while away',
    email: 'born@example.com',
  });
  const attempts = async (): Promise<Loose[]> => (await on.stripe('GET', '/_sim/deliveries')).data;
  await until('its webhook was refused', async () => JSON.stringify(await attempts()).includes('503'));
  await start();
  await until(
    'the born customer is here',
    async () => {
      const { body } = await on.call('GET', '/customers?email=born@example.com');
      return body.data?.[0]?.sync[0]?.remote_id === born.id;
    },
    60_000,
  );
  const after = await on.call('PATCH', `/customers/${first.body.id}`, { name: 'After' });
  expect(after.status).toBe(200);
  await on.settled();
  expect((await on.writes()).length).toBe(2);
}, 120_000);

test('failure 50: api and worker started before Postgres wait for it, say so, and get ready by themselves', async () => {
  const on = await startStage({ databaseUrl: server.url, start: false });
  stage = on;
  await server.stop();
  const starting = Promise.all([on.api.start(), on.worker.start()]);
  const waits = async (): Promise<boolean> =>
    [on.api, on.worker].every((part) => part.output().includes('Postgres is not reachable yet'));
  await until('both say what they wait for', waits);
  await start();
  await starting;
  const { status, body } = await on.call('POST', '/customers', { name: 'Late', email: 'late@example.com' });
  expect(status).toBe(201);
  await until(
    'it is in sync',
    async () => (await on.call('GET', `/customers/${body.id}`)).body.sync[0].state === 'in_sync',
  );
}, 120_000);
