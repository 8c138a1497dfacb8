/** Full comparisons through the real processes: at set-up, by command, by schedule, and across a killed worker. */
import { Client, Connection } from '@temporalio/client';
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

let stage: Stage;
afterEach(() => stage.close());

const here = async (): Promise<string[]> =>
  (await stage.pool.query('select name from counterpart.customers order by name')).rows.map(
    ({ name }) => name,
  );

async function there(): Promise<string[]> {
  const { data } = await stage.stripe('GET', '/v1/customers?limit=100');
  return data.map(({ name }: Loose) => name).toSorted();
}

/** Asks for a sweep, as soon as none is running, and waits until what it found is healed. */
async function swept(): Promise<Loose> {
  let asked: Loose;
  await until('no other sweep runs', async () => {
    asked = await stage.call('POST', '/sweeps');
    return asked.status === 202;
  });
  await until('the sweep is done', async () => {
    const { body } = await stage.call('GET', `/sweeps/${asked.body.id}`);
    return body.state === 'done' && body.report.every(({ waiting }: Loose) => waiting === 0);
  });
  return (await stage.call('GET', `/sweeps/${asked.body.id}`)).body;
}

const nobodyTells = { faults: [{ name: 'drop-events', times: null }] } as unknown as Record<string, string>;

test('I5, I7: who stood in Stripe before set-up comes here by itself; a sweep of what is equal makes no write', async () => {
  stage = await startStage({ start: false });
  for (const name of ['Ada', 'Bob', 'Cyd']) await stage.stripe('POST', '/v1/customers', { name });
  await Promise.all([stage.api.start(), stage.worker.start()]);
  await until('all of them are here', async () => (await here()).length === 3);
  await stage.settled();
  expect(await here()).toEqual(['Ada', 'Bob', 'Cyd']);
  expect(await swept()).toMatchObject({ cause: 'operator', objects: 3, records: 3, found: 0 });
  expect(await stage.writes()).toEqual([]);
  expect((await stage.call('GET', '/sweeps')).body.data.map(({ cause }: Loose) => cause)).toEqual([
    'operator',
    'first',
  ]);
}, 90_000);

test('I2, failure 61: five stand on both sides before the first start, one in Stripe only: six pairs, and nobody is created', async () => {
  stage = await startStage({ start: false });
  const both = ['Ada', 'Bob', 'Cyd', 'Dan', 'Eve'];
  const mail = (name: string): string => `${name.toLowerCase()}@example.com`;
  await stage.pool.query(
    'insert into counterpart.customers (name, email) select * from unnest($1::text[], $2::text[])',
    [both, both.map((name) => mail(name))],
  );
  for (const name of [...both, 'Fay']) {
    await stage.stripe('POST', '/v1/customers', { name, email: mail(name) });
  }
  await Promise.all([stage.api.start(), stage.worker.start()]);
  await until('the first sweep is over', async () => {
    const { rows } = await stage.pool.query(`select from counterpart.sweeps where ending = 'done'`);
    return rows.length === 1;
  });
  await stage.settled();
  expect(await here()).toEqual([...both, 'Fay']);
  expect(await there()).toEqual([...both, 'Fay']);
  expect(await stage.writes()).toEqual([]);
  const { rows } = await stage.pool.query(
    'select distinct outcome, possible_duplicate as doubtful from counterpart.links',
  );
  expect(rows).toEqual([{ outcome: 'in_sync', doubtful: false }]);
}, 90_000);

test('failure 16, 62: every event of an hour is lost and SQL goes past the triggers: one sweep makes all equal', async () => {
  stage = await startStage({ simulator: { faults: true } });
  for (const name of ['edited', 'deleted', 'past']) await stage.stripe('POST', '/v1/customers', { name });
  await until('all of them are here', async () => (await here()).length === 3);
  await stage.settled();
  await stage.stripe('POST', '/_sim/faults', nobodyTells);
  const { data } = await stage.stripe('GET', '/v1/customers');
  const id = (wanted: string): string => data.find(({ name }: Loose) => name === wanted).id;
  await stage.stripe('POST', `/v1/customers/${id('edited')}`, { name: 'edited there' });
  await stage.stripe('DELETE', `/v1/customers/${id('deleted')}`);
  await stage.stripe('POST', '/v1/customers', { name: 'born' });
  await stage.pool.query('alter table counterpart.customers disable trigger user');
  await stage.pool.query(`update counterpart.customers set name = 'past triggers' where name = 'past'`);
  await stage.pool.query(`insert into counterpart.customers (name) values ('restored')`);
  await stage.pool.query('alter table counterpart.customers enable trigger user');
  const { report } = await swept();
  expect(report.map(({ side, kind, healed }: Loose) => `${side} ${kind} ${healed}`).toSorted()).toEqual([
    'here created 1',
    'here edited 1',
    'there created 1',
    'there edited 1',
    'there missing 1',
  ]);
  expect(await here()).toEqual(['born', 'edited there', 'past triggers', 'restored']);
  expect(await there()).toEqual(await here());
  const before = (await stage.writes()).length;
  expect(await swept()).toMatchObject({ found: 0 });
  expect((await stage.writes()).length).toBe(before);
}, 90_000);

test('failure 44: the worker is killed in the middle of a sweep: it goes on from its place, with no page read twice but one', async () => {
  stage = await startStage({ simulator: { latencyMs: 250 }, start: false });
  await Promise.all(
    Array.from({ length: 600 }, (_, i) => stage.stripe('POST', '/v1/customers', { name: `c${i}` })),
  );
  await Promise.all([stage.api.start(), stage.worker.start()]);
  const read = async (): Promise<number> =>
    (await stage.pool.query('select coalesce(max(objects), 0)::int as n from counterpart.sweeps')).rows[0].n;
  await until('some pages were read', async () => (await read()) >= 200);
  await stage.worker.kill();
  const atKill = await read();
  expect(atKill).toBeLessThan(600);
  await stage.worker.start();
  await until('it went on to the end', async () => (await read()) === 600, 30_000);
  const { data } = await stage.stripe('GET', '/_sim/requests?from=counterpart&limit=10000');
  const pages = data.filter(({ method, path }: Loose) => method === 'GET' && path === '/v1/customers');
  expect(pages.length).toBeLessThanOrEqual(7);
  expect((await stage.pool.query('select from counterpart.links')).rowCount).toBe(600);
}, 90_000);

test('the worker keeps a schedule, which asks for a sweep of every connection', async () => {
  stage = await startStage();
  const connection = await Connection.connect({ address: stage.temporal.address });
  const client = new Client({ connection, namespace: stage.temporal.namespace });
  const schedule = client.schedule.getHandle('counterpart-sweeps');
  const exists = (): Promise<boolean> =>
    schedule.describe().then(
      () => true,
      () => false,
    );
  await until('the schedule stands', exists);
  await swept();
  await schedule.trigger();
  await until('it asked', async () => {
    const { data } = (await stage.call('GET', '/sweeps')).body;
    return data.some(({ cause, state }: Loose) => cause === 'schedule' && state === 'done');
  });
  await connection.close();
}, 90_000);
