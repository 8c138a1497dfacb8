/** The timeline through the real processes: its ids lead to what they name elsewhere, and it replays. So do the metrics. */
import { openDatabase } from '../../src/store/database';
import type { Database } from '../../src/store/database';
import { expectReplayed } from '../../src/store/replay-for-tests';
import { openClient } from '../../src/temporal/client';
import { operationOf } from '../chaos/metersRules';
import { countsBy } from '../environment/counts';
import { scrape, sumBy } from '../environment/scrape';
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

let stage: Stage;
let database: Database;

beforeAll(async () => {
  stage = await startStage();
  database = openDatabase(stage.databaseUrl, { max: 1, name: 'test', onIdleError: () => undefined });
}, 60_000);

afterAll(async () => {
  await database.close();
  await stage.close();
});

const entriesOf = async (id: string): Promise<Loose[]> =>
  (await stage.call('GET', `/customers/${id}/timeline?limit=100`)).body.data.toReversed();
const inSync = async (id: string, version: number): Promise<boolean> => {
  const { sync } = (await stage.call('GET', `/customers/${id}`)).body;
  return sync?.[0]?.state === 'in_sync' && sync[0].synced_version === version;
};

test('I18: a customer edited on both sides: runs in Temporal, requests at Stripe, and no gap', async () => {
  const { id } = (await stage.call('POST', '/customers', { name: 'Ada', email: 'ada@example.com' })).body;
  await until('it is in sync', () => inSync(id, 1));
  const remoteId = (await stage.call('GET', `/customers/${id}`)).body.sync[0].remote_id;
  await stage.call('PATCH', `/customers/${id}`, { name: 'Ada Lovelace' });
  await until('the edit is in sync', () => inSync(id, 2));
  await stage.stripe('POST', `/v1/customers/${remoteId}`, { name: 'Augusta' });
  await until('their edit is in sync', () => inSync(id, 3));
  await stage.call('DELETE', `/customers/${id}`);
  await stage.settled();
  await until('the deletion was answered', async () =>
    (await entriesOf(id)).some(({ text }) => text === 'delete is done'),
  );

  const entries = await entriesOf(id);
  expect(entries.filter(({ kind }) => kind === 'change').map(({ by, text }) => `${by}: ${text}`)).toEqual([
    'product: created (version 1)',
    'product: edited name (version 2)',
    'stripe: changed there and taken over: name (version 3)',
    'product: deleted (version 4)',
  ]);
  const answers = entries.filter(({ kind }) => kind === 'answer');
  expect(answers.map(({ text }) => text)).toEqual(['create is done', 'update is done', 'delete is done']);
  const heard = await stage.writes();
  for (const { request_id: requestId, detail } of answers.slice(0, 2)) {
    expect(requestId).toMatch(/^req_/);
    expect(heard.map(({ idempotency_key: key }: Loose) => key)).toContain(detail.key);
  }

  const client = openClient({ address: stage.temporal.address }, stage.temporal.namespace);
  const runs = new Set(entries.flatMap(({ run_id: run }) => (run === null ? [] : [run])));
  expect(runs.size).toBeGreaterThan(0);
  for (const run of runs) {
    const { type } = await client.workflow.getHandle(`customer/${id}`, run).describe();
    expect(type).toBe('customer');
  }
  await client.connection.close();
  await expectReplayed(database);
});

test('I18: nothing was killed: the metrics are what Stripe noted and delivered, call by call, and what stands in Postgres', async () => {
  const noted = async (): Promise<Loose[]> =>
    (await stage.stripe('GET', '/_sim/requests?from=counterpart&limit=10000')).data;
  const deliveries = async (): Promise<Loose[]> => (await stage.stripe('GET', '/_sim/deliveries')).data;
  const events = async (): Promise<number> => (await stage.stripe('GET', '/v1/events?limit=100')).data.length;
  await until('every event is delivered', async () => {
    const all = await deliveries();
    return all.length === (await events()) && all.every(({ state }) => state === 'delivered');
  });
  await until('the first sweep has ended', async () => {
    const { rows } = await stage.pool.query('select ended_at from counterpart.sweeps');
    return rows.length > 0 && rows.every(({ ended_at: endedAt }) => endedAt !== null);
  });
  await stage.settled();

  const [api, worker] = await Promise.all([scrape(stage.url), scrape(stage.workerUrl)]);
  const requests = await noted();
  const asked = requests.flatMap((request) => {
    const operation = operationOf(request);
    return operation === null ? [] : [`${operation} ${request.status < 400 ? 'ok' : 'failed'}`];
  });
  expect(asked.length).toBeGreaterThan(3);
  expect(sumBy(worker, 'counterpart_remote_calls_total', 'operation', 'outcome')).toEqual(
    countsBy(asked, String),
  );

  const { rows } = await stage.pool.query<{ result: string; source: string }>(
    'select result, source from counterpart.events',
  );
  const by = (source: string): string[] => rows.flatMap((row) => (row.source === source ? [row.result] : []));
  const attempts = (await deliveries()).reduce((sum, delivery) => sum + delivery.attempts, 0);
  const heard = sumBy(api, 'counterpart_webhooks_total', 'result');
  const { repeated = 0, ...stored } = heard;
  expect(stored).toEqual(countsBy(by('webhook'), String));
  expect(by('webhook').length + repeated).toBe(attempts);
  expect(sumBy(worker, 'counterpart_webhooks_total', 'result')).toEqual(countsBy(by('poll'), String));
  const echoes = [api, worker].map((samples) => sumBy(samples, 'counterpart_echoes_total')[''] ?? 0);
  expect(echoes[0]! + echoes[1]!).toBe(rows.filter(({ result }) => result === 'echo').length);

  for (const gauge of ['queue_depth', 'oldest_pending_seconds', 'connection_paused', 'breaker_open']) {
    const values = api.filter(({ name }) => name === `counterpart_${gauge}`).map(({ value }) => value);
    expect([gauge, values]).toEqual([gauge, [0]]);
  }
  expect(sumBy(api, 'counterpart_parked', 'reason')).toEqual({});
  expect(worker.find(({ name }) => name === 'counterpart_failed_runs')?.value).toBe(0);
});
