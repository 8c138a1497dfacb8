/** One of three systems stops answering while the others are used: real workflows, relay, watch and limiter. */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { parseRecordId, trusted } from '../../src/core/ids';
import type { RecordId } from '../../src/core/ids';
import { readSync } from '../../src/store/syncState';
import { until } from '../environment/until';
import { startSeveralSystems } from './severalSystems';
import type { SeveralSystems } from './severalSystems';

const RECORDS = 40;
/** Five in a row, which records make together in a second or two. */
const OPENED_MS = 20_000;
const NORMAL_MS = 4_000;
const BURST_MS = 40_000;
/** A probe, then one, two, four and so on a second. */
const HEALED_MS = 60_000;

let it: SeveralSystems;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  it = await startSeveralSystems();
}, 90_000);

afterAll(() => it.close(), 60_000);

let inserted = 0;
async function insert(): Promise<RecordId> {
  inserted += 1;
  const { rows } = await it.database.query<{ id: string }>(
    `insert into counterpart.customers (name, email) values ($1, $2) returning id`,
    [`Customer ${inserted}`, `customer${inserted}@example.com`],
  );
  return trusted(parseRecordId(rows[0]!.id), 'record id');
}

const stripeDown = async () =>
  (await it.store.connections.list()).find(({ name }) => name === 'stripe')?.down ?? null;
const waiting = async () => (await it.store.breakers.countWaiting()).get('stripe') ?? 0;

async function requests(): Promise<Array<{ method: string; path: string }>> {
  const { data } = (await it.stripe('GET', '/_sim/requests?limit=10000')) as {
    data: Array<{ method: string; path: string }>;
  };
  return data;
}

async function made(): Promise<number> {
  return (await requests()).filter(({ method, path }) => method === 'POST' && path === '/v1/customers')
    .length;
}

test('I15 and I14: one is down: the others get everything in the normal time; it is asked once a second, and when it answers all that waited goes on', async () => {
  await until('all connections were checked', async () =>
    (await it.store.connections.list()).every(({ identity }) => identity !== null),
  );
  it.gate.shut();
  const ids: RecordId[] = [];
  for (let i = 0; i < RECORDS; i += 1) ids.push(await insert());
  await until('the breaker is open', async () => (await stripeDown()) !== null, OPENED_MS);
  const reached = (count: number) => async () =>
    [it.crm, it.erp].every((system) => system.living().length === count);
  await until('the others have all records', reached(RECORDS), BURST_MS);

  const late = await insert();
  await until('a new one reaches the others at once', reached(RECORDS + 1), NORMAL_MS);
  await until('all wait for the one', async () => (await waiting()) === RECORDS + 1, BURST_MS);
  const entries = (await readSync(it.database, [{ id: late, live: true }])).get(late);
  expect(entries).toMatchObject([
    { connection: 'crm', state: 'in_sync' },
    { connection: 'erp', state: 'in_sync' },
    { connection: 'stripe', state: 'waiting', reason: { code: 'unavailable' } },
  ]);
  // nothing is due: neither relay nor workflows have anything to do
  const { rows } = await it.database.query<{ soon: number }>(
    `select count(*) as soon from counterpart.work_queue where due_at < clock_timestamp() + interval '20 minutes'`,
  );
  expect(rows[0]?.soon).toBe(0);

  it.gate.open();
  await until('the breaker is closed', async () => (await stripeDown()) === null, NORMAL_MS * 3);
  await until('it has all of them', async () => (await made()) >= RECORDS + 1, HEALED_MS);
  const idle = async () => {
    const { rows: left } = await it.database.query('select 1 from counterpart.work_queue');
    return left.length === 0;
  };
  await until('nothing is left to do', idle, HEALED_MS);
  // I9 and I17: each once
  expect(await made()).toBe(RECORDS + 1);
  expect(await waiting()).toBe(0);
}, 180_000);
