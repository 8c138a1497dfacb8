/** A product writes its customers with a database role of its own, which has no rights on anything else of ours. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { until } from '../../test/environment/until';
import { benches, CUSTOMER } from './store-for-tests';

const bench = benches();
const role = `product_${randomBytes(6).toString('hex')}`;

describe('a product with a role of its own', () => {
  let product: Client;

  beforeAll(async () => {
    const { database, url } = bench();
    await database.query(`create role ${role} login password 'product'`);
    await database.query(`grant usage on schema counterpart to ${role}`);
    await database.query(`grant select, insert, update, delete on counterpart.customers to ${role}`);
    const own = new URL(url);
    own.username = role;
    own.password = 'product';
    product = new Client({ connectionString: own.href });
    await product.connect();
  });

  afterAll(async () => {
    await product.end();
    const left = () =>
      bench().value<number>('select count(*) from pg_stat_activity where usename = $1', [role]);
    await until('the role is gone from the server', async () => (await left()) === 0);
    await bench().database.query(`revoke all on counterpart.customers from ${role}`);
    await bench().database.query(`revoke all on schema counterpart from ${role}`);
    await bench().database.query(`drop role ${role}`);
  });

  const told = async (id: string) =>
    (
      await bench().database.query<{ does: string }>(
        `select detail ->> 'does' as does from counterpart.timeline where record_id = $1 and kind = 'change' order by seq`,
        [id],
      )
    ).rows.map(({ does }) => does);

  test('I10: with rights on the customers alone it inserts, edits, deletes and restores, and each is queued and told', async () => {
    const { rows } = await product.query<{ id: string }>(
      `insert into counterpart.customers (name) values ('Ann') returning id`,
    );
    const id = rows[0]!.id;
    const queued = () =>
      bench().value<number>('select count(*) from counterpart.work_queue where record_id = $1', [id]);
    for (const change of [
      `update counterpart.customers set name = 'Bea' where id = '${id}'`,
      `delete from counterpart.customers where id = '${id}'`,
      `insert into counterpart.customers (id, name) values ('${id}', 'Bea')`,
    ]) {
      expect(await queued()).toBe(1);
      await bench().quiet();
      await product.query(change);
    }
    expect(await queued()).toBe(1);
    expect(await told(id)).toEqual(['create', 'edit', 'delete', 'restore']);
    expect(await bench().value('select version from counterpart.customers where id = $1', [id])).toBe(4);
  });

  test('what the sync marks as its own is seen through the owner’s rights: it queues nothing', async () => {
    const { database } = bench();
    const id = await bench().insert();
    await bench().quiet();
    await database.transact(async (sql) => {
      await sql.query(`select set_config('counterpart.writer', 'sync', true)`);
      await sql.query(`update counterpart.customers set name = 'Cleo' where id = $1`, [id]);
    });
    expect(await bench().queued(id)).toBeNull();
  });

  test('it reads and writes nothing else of ours, and cannot borrow the owner’s rights', async () => {
    const refused = async (sql: string) =>
      product.query(sql).then(
        () => null,
        (error: { code?: string }) => error.code,
      );
    expect(await refused('select * from counterpart.installation')).toBe('42501');
    expect(await refused('delete from counterpart.tombstones')).toBe('42501');
    expect(
      await refused(
        `insert into counterpart.timeline (catalog, record_id, kind) values ('${CUSTOMER}', gen_random_uuid(), 'hint')`,
      ),
    ).toBe('42501');
    expect(await refused(`truncate counterpart.customers`)).toBe('42501');
    await product.query('create temporary table borrowed (id uuid, version bigint, name text)');
    expect(
      await refused(
        `create trigger borrowed after insert on borrowed referencing new table as changed_new
       for each statement execute function counterpart.queue_inserted('customer', 'name')`,
      ),
    ).toBe('42501');
  });
});
