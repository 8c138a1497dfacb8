import { createHash } from 'node:crypto';
import { CATALOGS } from '../catalogs/catalogs';
import * as customers from './customers';
import type { Sql } from './database';
import { findRecognised } from './records';
import { benches, CUSTOMER, STRIPE } from './store-for-tests';

const bench = benches();
const catalog = CATALOGS.get(CUSTOMER)!;
const ROWS = 10_000;

/** Text that no compression makes shorter: an index takes values of some 2,700 bytes after compression. */
function incompressible(chars: number): string {
  let text = '';
  for (let i = 0; text.length < chars; i += 1)
    text += createHash('sha256').update(`${i}`).digest('base64url');
  return text.slice(0, chars);
}

test.each([600, 3_000, 100_000])(
  'an e-mail of %i characters harms no statement of the product, and is found',
  async (chars) => {
    const { database } = bench();
    const email = `${incompressible(chars)}@example.com`;
    await database.query(
      `insert into counterpart.customers (name, email) values ('before', null), ('long', $1), ('after', null)`,
      [email],
    );
    const page = (includeDeleted: boolean) =>
      customers.list(database, 10, { after: null, email: email.toUpperCase(), state: null, includeDeleted });
    const found = await page(false);
    expect(found.map(({ name }) => name)).toEqual(['long']);
    await database.query(`update counterpart.customers set email = 'x' || email where id = $1`, [
      found[0]!.id,
    ]);
    expect(await page(false)).toEqual([]);
    await database.query(`update counterpart.customers set email = $2 where id = $1`, [found[0]!.id, email]);
    await database.query('delete from counterpart.customers where id = $1', [found[0]!.id]);
    expect((await page(true)).map(({ name, deletedAt }) => [name, deletedAt === null])).toEqual([
      ['long', false],
    ]);
  },
);

test('whatever asks for an e-mail among many rows reads the index, and none but the equal ones', async () => {
  const { database } = bench();
  // the triggers would tell a timeline and a queue of each row, which nothing here reads
  await database.query(
    `begin; alter table counterpart.customers disable trigger user;
     insert into counterpart.customers (name, email)
       select 'n' || i, 'many' || i || '@example.com' from generate_series(1, ${ROWS}) as i;
     insert into counterpart.tombstones (catalog, record_id, version, fields, created_at)
       select 'customer', counterpart.uuidv7(), 2, jsonb_build_object('email', 'gone' || i || '@example.com'), now()
       from generate_series(1, ${ROWS}) as i;
     alter table counterpart.customers enable trigger user; commit`,
  );
  await database.query('analyze counterpart.customers, counterpart.tombstones');
  const asked: Array<[text: string, values: readonly unknown[]]> = [];
  const sql: Sql = {
    query: (text, values = []) => {
      asked.push([text, values]);
      return database.query(text, values);
    },
  };
  const kept = ' MANY7@example.com';
  const gone = 'gone7@example.com';
  const filter = { after: null, state: null, includeDeleted: true };
  expect(await findRecognised(sql, catalog, STRIPE, kept)).toHaveLength(1);
  expect(await customers.findByEmail(sql, kept, null)).toMatchObject({ total: 1 });
  expect(await customers.list(sql, 25, { ...filter, email: kept })).toHaveLength(1);
  expect(await customers.list(sql, 25, { ...filter, email: gone })).toHaveLength(1);
  const plans = [];
  for (const [text, values] of asked) {
    const { rows } = await database.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values);
    plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
  }
  expect(plans).toHaveLength(4);
  for (const plan of plans) {
    expect(plan).toContain('customers_email');
    expect(plan).not.toMatch(/Seq Scan on (customers|tombstones)|_newest/);
  }
  expect(plans.filter((plan) => plan.includes('tombstones_email'))).toHaveLength(2);
});
