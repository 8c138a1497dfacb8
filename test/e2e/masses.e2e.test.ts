/** Thousands of customers are made in Stripe by a script, an event each, while people go on editing. */
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

/** A sandbox's. */
const PER_SECOND = 25;
/** As many as take several times as long as an edit may. */
const BIRTHS = 160;
const ARRIVED_MS = 60_000;

let stage: Stage;

beforeAll(async () => {
  stage = await startStage({ env: { STRIPE_RATE_LIMIT: String(PER_SECOND) } });
}, 60_000);

afterAll(() => stage.close());

const create = async (name: string): Promise<Loose> =>
  (await stage.call('POST', '/customers', { name, email: `${name.toLowerCase()}@example.com` })).body;
const shown = async (id: string): Promise<Loose> => (await stage.call('GET', `/customers/${id}`)).body;
const inSync = async (id: string): Promise<boolean> => (await shown(id)).sync[0].state === 'in_sync';
const bornHere = async (): Promise<number> =>
  (await stage.pool.query(`select count(*)::int as n from counterpart.customers where name like 'Born%'`))
    .rows[0].n;

test('I15: edits made after them on either side, a creation and what an operator asks for arrive before most of them', async () => {
  const [here, there] = [await create('Here'), await create('There')];
  await stage.settled();
  const object = (await shown(there.id)).sync[0].remote_id;
  await stage.worker.stop();
  for (let i = 0; i < BIRTHS; i += 1) {
    await stage.stripe('POST', '/v1/customers', { name: `Born ${i}`, email: `born${i}@example.com` });
  }
  const waiting = async (): Promise<Loose[]> =>
    (await stage.pool.query('select record_id from counterpart.work_queue order by hinted_at desc')).rows;
  await until('all are heard of', async () => (await waiting()).length === BIRTHS, ARRIVED_MS);
  const asked = (await waiting())[0].record_id;

  const created = await create('Created');
  await stage.call('PATCH', `/customers/${here.id}`, { name: 'Here edited' });
  await stage.stripe('POST', `/v1/customers/${object}`, { name: 'There edited' });
  await stage.pool.query(`select counterpart.enqueue('customer', array[$1::uuid], 'operator')`, [asked]);
  await until('the edit there is heard of', async () => (await waiting()).length === BIRTHS + 3, ARRIVED_MS);
  await stage.worker.start();

  await until(
    'all four have arrived',
    async () =>
      (await inSync(created.id)) &&
      (await inSync(here.id)) &&
      (await shown(there.id)).name === 'There edited' &&
      (await stage.pool.query('select from counterpart.customers where id = $1', [asked])).rowCount === 1,
    ARRIVED_MS,
  );
  expect(await bornHere()).toBeLessThan(BIRTHS / 2);
  await until('none of them is forgotten', async () => (await bornHere()) === BIRTHS, ARRIVED_MS);
}, 240_000);
