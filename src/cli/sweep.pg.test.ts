import { startForTest } from '../api/api-for-tests';
import type { TestApi } from '../api/api-for-tests';
import { until } from '../../test/environment/until';
import { runCli } from './cli-for-tests';

let api: TestApi;
beforeAll(async () => {
  api = await startForTest();
});
beforeEach(async () => {
  await api.database.query('delete from counterpart.sweeps');
});
afterAll(() => api.close());

const run = (...args: string[]) => runCli(args, { COUNTERPART_URL: api.url });

const open = async (): Promise<string | undefined> =>
  (await api.database.query<{ id: string }>('select id from counterpart.sweeps where ended_at is null'))
    .rows[0]?.id;

/** Plays the worker, as soon as there is a sweep. */
async function end(set: string): Promise<void> {
  await until('a sweep was asked for', async () => (await open()) !== undefined);
  await api.database.query(`update counterpart.sweeps set ${set}`);
}

test('sweep: asks, and says how to follow it', async () => {
  const { code, out } = await run('sweep', '--connection', 'stripe');
  expect(code).toBe(0);
  expect(out).toBe(`stripe is compared in full. See: counterpart sweeps ${await open()}\n`);
});

test('sweep while one runs, or of a connection nobody knows: 2, and nothing changed', async () => {
  await run('sweep');
  const id = await open();
  const again = await run('sweep');
  expect([again.code, again.err]).toEqual([
    2,
    `A sweep of this connection is running. GET /sweeps/${id} tells how far it is.\n`,
  ]);
  expect((await run('sweep', '--connection', 'nobody')).code).toBe(2);
  expect((await run('sweeps')).out.match(/stripe/g)).toHaveLength(1);
});

test('sweep --wait: ends with 0 when both sides are equal', async () => {
  const [waited] = await Promise.all([
    run('sweep', '--wait'),
    end(`ended_at = now(), ending = 'done', objects = 12, records = 12`),
  ]);
  expect(waited).toMatchObject({
    code: 0,
    out: 'stripe: 12 objects there, 12 records here compared, 0 different.\n',
  });
});

test('sweep --wait on a paused connection: ends with 1 and says that a person is needed', async () => {
  const [waited] = await Promise.all([
    run('sweep', '--wait'),
    end(`waits_for = 'paused', waits_since = now()`),
  ]);
  expect(waited.code).toBe(1);
  expect(waited.out).toContain('It waits: The connection is paused by an operator. (paused)');
});

test('sweeps <id>: what is not healed is a finding, by record', async () => {
  await run('sweep');
  const id = await open();
  const { rows } = await api.database.query(
    `insert into counterpart.sweep_findings (sweep_id, catalog, record_id, side, kind, fields)
     values ($1, 'customer', counterpart.uuidv7(), 'there', 'edited', '{email}') returning record_id`,
    [id],
  );
  await api.database.query(`select counterpart.enqueue('customer', array[$1::uuid], 'sweep')`, [
    rows[0]!['record_id'],
  ]);
  const { code, out } = await run('sweeps', id!);
  expect(code).toBe(1);
  expect(out).toMatch(/^there +was changed there +0 +1 +0$/m);
  expect(out).toContain(`${rows[0]!['record_id']}  waiting: there edited email`);
});

test('recovered: says what is held back, and where to look', async () => {
  const { code, out } = await run('recovered');
  expect(code).toBe(0);
  expect(out).toContain('Nothing is sent to stripe until all of it was read.');
  expect(out).toContain(`counterpart sweeps ${await open()}`);
});
