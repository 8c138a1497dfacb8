/** The timeline through the real processes: its ids lead to what they name elsewhere, and it replays. */
import { openDatabase } from '../../src/store/database';
import type { Database } from '../../src/store/database';
import { expectReplayed } from '../../src/store/replay-for-tests';
import { openClient } from '../../src/temporal/client';
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
