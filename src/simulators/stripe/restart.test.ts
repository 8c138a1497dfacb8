import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startForTest } from './client-for-tests';
import { startSimulator } from './simulator';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sim-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

const journal = async (): Promise<string> => join(dataDir, (await readdir(dataDir))[0] ?? '');

test('a restart continues: customers, tombstones, events, keys and endpoints', async () => {
  const before = await startForTest({ dataDir });
  const kept = await before.call('POST', '/v1/customers', { name: 'Ann' }, { key: 'k' });
  await before.call('POST', `/v1/customers/${kept.body.id}`, { name: 'Bea' });
  const gone = await before.customer();
  await before.call('DELETE', `/v1/customers/${gone.id}`);
  const form = { url: 'http://127.0.0.1:9/', 'enabled_events[]': 'a.b' };
  const endpoint = await before.call('POST', '/v1/webhook_endpoints', form);
  const events = (await before.call('GET', '/v1/events')).body.data;
  await before.close();

  const after = await startForTest({ dataDir });
  expect((await after.call('GET', '/v1/customers')).body.data).toMatchObject([
    { id: kept.body.id, name: 'Bea' },
  ]);
  expect((await after.call('GET', `/v1/customers/${gone.id}`)).body.deleted).toBe(true);
  expect((await after.call('GET', '/v1/events')).body.data).toEqual(events);
  const replay = await after.call('POST', '/v1/customers', { name: 'Ann' }, { key: 'k' });
  expect(replay.headers.get('idempotent-replayed')).toBe('true');
  expect(replay.body).toEqual(kept.body);
  expect((await after.call('GET', `/v1/webhook_endpoints/${endpoint.body.id}`)).status).toBe(200);
  await after.close();
});

test('what was answered is on disk, even if the process is killed the next moment', async () => {
  const sim = await startForTest({ dataDir });
  const { id } = await sim.customer();
  expect(await readFile(await journal(), 'utf8')).toContain(id);
  await sim.close();
});

test('a start rewrites the journal, so that it does not grow with every edit for ever', async () => {
  const before = await startForTest({ dataDir, maxEvents: 3 });
  const { id } = await before.customer();
  for (let i = 0; i < 50; i += 1) await before.call('POST', `/v1/customers/${id}`, { name: `n${i}` });
  await before.close();
  await (await startForTest({ dataDir, maxEvents: 3 })).close();
  expect((await readFile(await journal(), 'utf8')).split('\n').length).toBeLessThan(8);
});

test('a last line torn by a kill is dropped; a broken line before it is not passed over', async () => {
  const before = await startForTest({ dataDir });
  const { id } = await before.customer();
  await before.close();
  await appendFile(await journal(), '{"kind":"customer","cus');
  const after = await startForTest({ dataDir });
  expect((await after.call('GET', `/v1/customers/${id}`)).status).toBe(200);
  await after.close();
  await writeFile(await journal(), 'rubbish\n{"kind":"keys_forgotten"}\n');
  await expect(startSimulator({ port: 0, dataDir })).rejects.toThrow(/Line 1 of/);
});

test('a reset empties the journal too', async () => {
  const before = await startForTest({ dataDir });
  await before.customer();
  await before.call('POST', '/_sim/reset');
  await before.close();
  const after = await startForTest({ dataDir });
  expect((await after.call('GET', '/v1/customers')).body.data).toEqual([]);
  await after.close();
});
