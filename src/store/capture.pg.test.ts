/** Local changes are caught in the database, whoever makes them. */
import { Client } from 'pg';
import { CATALOGS } from '../catalogs/catalogs';
import { benches, newId, CUSTOMER } from './store-for-tests';
import type { RecordId } from '../core/ids';
import { until } from '../../test/environment/until';

const bench = benches();
const MANY_ROWS = 20_000;
const SECONDS = 5_000;

const version = (id: RecordId) =>
  bench().value<number>('select version from counterpart.customers where id = $1', [id]);
const tombstone = async (id: RecordId) =>
  (
    await bench().database.query('select version, fields from counterpart.tombstones where record_id = $1', [
      id,
    ])
  ).rows;
const run = (sql: string, values?: readonly unknown[]) => bench().database.query(sql, values);

describe('I10: a change queues its record', () => {
  test('an insert: version 1, one row', async () => {
    const id = await bench().insert();
    expect(await bench().queued(id)).toMatchObject({ hint: 'local', rings: 0 });
    expect(await version(id)).toBe(1);
  });

  test('failure 62: an update of a synced field in psql', async () => {
    const id = await bench().insert();
    await bench().quiet();
    const psql = new Client({ connectionString: bench().url });
    await psql.connect();
    await psql.query(`update counterpart.customers set email = 'a@example.com' where id = '${id}'`);
    await psql.end();
    expect(await version(id)).toBe(2);
    expect(await bench().queued(id)).toMatchObject({ hint: 'local' });
  });

  test('an update that changes no synced field queues nothing and counts no version', async () => {
    const id = await bench().insert();
    await bench().quiet();
    await run(
      `update counterpart.customers set name = name, email = null, updated_at = now() + interval '1 day',
      version = 99, created_at = now() - interval '1 year' where id = $1`,
      [id],
    );
    expect(await bench().queued(id)).toBeNull();
    expect(await version(id)).toBe(1);
  });

  test('a change of spelling alone is a change here; whether it is one there is for the look to say', async () => {
    const id = await bench().insert({ name: 'Ann' });
    await bench().quiet();
    await run(`update counterpart.customers set name = 'ann' where id = $1`, [id]);
    expect(await bench().queued(id)).not.toBeNull();
  });

  test('a deletion leaves a tombstone with the fields and the next version', async () => {
    const id = await bench().insert({ name: 'Ann', email: 'a@example.com' });
    await bench().quiet();
    await run('delete from counterpart.customers where id = $1', [id]);
    expect(await tombstone(id)).toEqual([{ version: 2, fields: { name: 'Ann', email: 'a@example.com' } }]);
    expect(await bench().queued(id)).toMatchObject({ hint: 'local' });
  });

  test('an upsert by a product counts as what it was', async () => {
    const id = await bench().insert();
    await run(
      `insert into counterpart.customers (id, name) values ($1, 'Anna') on conflict (id) do update set name = excluded.name`,
      [id],
    );
    expect(await version(id)).toBe(2);
  });

  test('several changes in one transaction are one row', async () => {
    const before = await bench().value<number>('select count(*) from counterpart.work_queue');
    const id = await bench().database.transact(async (sql) => {
      const { rows } = await sql.query<{ id: RecordId }>(
        `insert into counterpart.customers (name) values ('A') returning id`,
      );
      await sql.query(`update counterpart.customers set name = 'B' where id = $1`, [rows[0]!.id]);
      await sql.query(`update counterpart.customers set name = 'C' where id = $1`, [rows[0]!.id]);
      return rows[0]!.id;
    });
    expect(await version(id)).toBe(3);
    expect(await bench().value('select count(*) from counterpart.work_queue')).toBe(before + 1);
  });

  test('a transaction that was rolled back leaves nothing: no row, no hint, no tombstone', async () => {
    const id = await bench().insert();
    await bench().quiet();
    await expect(
      bench().database.transact(async (sql) => {
        await sql.query(`insert into counterpart.customers (name) values ('rolled back')`);
        await sql.query(`update counterpart.customers set name = 'B' where id = $1`, [id]);
        await sql.query(`delete from counterpart.customers where id = $1`, [id]);
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect(await version(id)).toBe(1);
    expect(await tombstone(id)).toEqual([]);
    expect(await bench().value('select count(*) from counterpart.work_queue')).toBe(0);
  });
});

describe('failure 62: many at once', () => {
  const count = (hint: string) =>
    bench().value<number>('select count(*) from counterpart.work_queue where hint = $1', [hint]);

  test('20,000 rows inserted, updated and deleted by one statement each are queued in seconds', async () => {
    await bench().quiet();
    const started = performance.now();
    await run(`insert into counterpart.customers (name) select 'bulk' from generate_series(1, $1)`, [
      MANY_ROWS,
    ]);
    expect(await count('local')).toBe(MANY_ROWS);
    const one = await bench().value<RecordId>(
      `select id from counterpart.customers where name = 'bulk' limit 1`,
    );
    await run(`update counterpart.customers set name = 'one' where id = $1`, [one]);
    await bench().quiet();
    await run(`update counterpart.customers set email = id || '@example.com' where name in ('bulk', 'one')`);
    expect(await count('local')).toBe(MANY_ROWS);
    await bench().quiet();
    await run(`delete from counterpart.customers where name in ('bulk', 'one')`);
    expect(await count('local')).toBe(MANY_ROWS);
    expect(performance.now() - started).toBeLessThan(4 * SECONDS);
  }, 60_000);
});

describe('refused', () => {
  test('TRUNCATE, because it would drop records without telling anybody', async () => {
    const id = await bench().insert();
    await expect(run('truncate counterpart.customers cascade')).rejects.toMatchObject({ code: '23001' });
    expect(await version(id)).toBe(1);
  });

  test('another id for a record', async () => {
    const id = await bench().insert();
    await expect(
      run('update counterpart.customers set id = counterpart.uuidv7() where id = $1', [id]),
    ).rejects.toMatchObject({
      code: '23001',
    });
  });
});

describe('restored', () => {
  test('an INSERT with the deleted id continues the version, keeps the day of birth and takes the tombstone away', async () => {
    const id = await bench().insert();
    const born = await bench().value<Date>('select created_at from counterpart.customers where id = $1', [
      id,
    ]);
    await run('delete from counterpart.customers where id = $1', [id]);
    await bench().quiet();
    await bench().insert({ id });
    expect(await version(id)).toBe(3);
    expect(await bench().value('select created_at from counterpart.customers where id = $1', [id])).toEqual(
      born,
    );
    expect(await tombstone(id)).toEqual([]);
    expect(await bench().queued(id)).not.toBeNull();
  });

  test('I18: an INSERT that waited for its very deletion is refused, to be repeated: a version never goes back', async () => {
    const id = await bench().insert();
    const [deleting, restoring] = [
      await bench().database.pool.connect(),
      await bench().database.pool.connect(),
    ];
    await deleting.query('begin');
    await deleting.query('delete from counterpart.customers where id = $1', [id]);
    const { pid } = (await restoring.query('select pg_backend_pid() as pid')).rows[0];
    const insert = `insert into counterpart.customers (id, name) values ($1, 'again')`;
    const restored = restoring.query(insert, [id]).then(
      () => 'restored',
      (error: unknown) => (error as { code: string }).code,
    );
    await until('it waits for the deletion', async () => {
      const { rows } = await run('select from pg_stat_activity where pid = $1 and wait_event_type = $2', [
        pid,
        'Lock',
      ]);
      return rows.length === 1;
    });
    await deleting.query('commit');
    expect(await restored).toBe('40001');
    await restoring.query(insert, [id]);
    for (const client of [deleting, restoring]) client.release();
    expect(await version(id)).toBe(3);
  });

  test('failure 62: brought back with the triggers off, it can still be changed and deleted', async () => {
    const id = await bench().insert({ name: 'Ann' });
    await run('delete from counterpart.customers where id = $1', [id]);
    await bench().database.transact(async (sql) => {
      await sql.query('alter table counterpart.customers disable trigger user');
      await sql.query(`insert into counterpart.customers (id, name) values ($1, 'from a dump')`, [id]);
      await sql.query('alter table counterpart.customers enable trigger user');
    });
    await bench().quiet();
    await run(`update counterpart.customers set name = 'Anna' where id = $1`, [id]);
    expect(await bench().queued(id)).not.toBeNull();
    await run('delete from counterpart.customers where id = $1', [id]);
    expect(await tombstone(id)).toMatchObject([{ version: 3, fields: { name: 'Anna' } }]);
  });
});

describe("failure 25: the sync's own writes", () => {
  const catalog = CATALOGS.get(CUSTOMER)!;

  test('count the version and queue nothing', async () => {
    const { store, quiet, insert, queued } = bench();
    const id = await insert();
    await quiet();
    await store.transact((tx) => tx.records.updatePulled(catalog, id, { name: 'Anne' }));
    expect(await version(id)).toBe(2);
    expect(await queued(id)).toBeNull();
    await store.transact((tx) => tx.records.deletePulled(catalog, id));
    expect(await tombstone(id)).toMatchObject([{ version: 3, fields: { name: 'Anne' } }]);
    expect(await queued(id)).toBeNull();
    const born = await newId(bench());
    await store.transact((tx) => tx.records.insertPulled(catalog, born, { name: 'Ann', email: null }));
    expect(await version(born)).toBe(1);
    expect(await queued(born)).toBeNull();
  });

  test('are known by their transaction: the next one on the same session is heard again', async () => {
    const { store, quiet, insert, queued } = bench();
    const id = await insert();
    await quiet();
    const psql = new Client({ connectionString: bench().url });
    await psql.connect();
    await psql.query(`begin; select set_config('counterpart.writer', 'sync', true);
      update counterpart.customers set name = 'pulled' where id = '${id}'; commit`);
    expect(await queued(id)).toBeNull();
    await psql.query(`update counterpart.customers set name = 'Ann' where id = '${id}'`);
    await psql.end();
    expect(await queued(id)).not.toBeNull();
    expect(await store.records.readRecord(catalog, id)).toMatchObject({ kind: 'live', version: 3 });
  });
});

describe('a product has triggers of its own', () => {
  afterEach(async () => {
    await run('drop trigger if exists product_trigger on counterpart.customers');
    await run('drop function if exists public.product_trigger');
  });

  async function trigger(when: string, body: string): Promise<void> {
    await run(
      `create function public.product_trigger() returns trigger language plpgsql as $$ begin ${body} end $$`,
    );
    await run(
      `create trigger product_trigger ${when} on counterpart.customers for each row execute function public.product_trigger()`,
    );
  }

  test('I10: what its BEFORE trigger makes of a synced field is a change like any other', async () => {
    const id = await bench().insert({ name: 'Ann', email: 'derived@example.com' });
    await bench().quiet();
    await trigger('before update', `new.name := 'Derived'; return new;`);
    await run(`update counterpart.customers set updated_at = now() where id = $1`, [id]);
    expect(await version(id)).toBe(2);
    expect(await bench().queued(id)).toMatchObject({ hint: 'local' });
  });

  test('I10: what its AFTER trigger writes in the wake of a pull is queued, the pull itself is not', async () => {
    const [id, other] = [await bench().insert(), await bench().insert({ name: 'Other' })];
    await bench().quiet();
    await trigger(
      'after update',
      `if new.name = 'Pulled' then update counterpart.customers set name = 'Touched' where id = '${other}'; end if; return null;`,
    );
    const customers = CATALOGS.get(CUSTOMER)!;
    await bench().store.transact((tx) => tx.records.updatePulled(customers, id, { name: 'Pulled' }));
    expect(await bench().queued(id)).toBeNull();
    expect(await bench().queued(other)).toMatchObject({ hint: 'local' });
  });

  test('I14: a trigger that swallows a pull refuses it: the error says so, and the look can park', async () => {
    const id = await bench().insert();
    await trigger('before update', 'return null;');
    const customers = CATALOGS.get(CUSTOMER)!;
    const pull = bench().store.transact((tx) => tx.records.updatePulled(customers, id, { name: 'Pulled' }));
    await expect(pull).rejects.toMatchObject({ code: 'P0001' });
  });
});

describe('I6: a tombstone stays until its record really stands again', () => {
  test('an INSERT … ON CONFLICT DO NOTHING that comes to nothing leaves the tombstone of another id alone', async () => {
    const id = await bench().insert();
    await run('delete from counterpart.customers where id = $1', [id]);
    await run('create unique index one_name on counterpart.customers (name) where name = $$Only$$');
    await bench().insert({ name: 'Only' });
    await run(`insert into counterpart.customers (id, name) values ($1, 'Only') on conflict do nothing`, [
      id,
    ]);
    await run('drop index counterpart.one_name');
    expect(await tombstone(id)).toHaveLength(1);
    expect(await version(id)).toBeUndefined();
  });

  test('failure 38: a row deleted and inserted anew by one statement stands, has no tombstone, and its version goes on', async () => {
    const id = await bench().insert({ name: 'Before' });
    await run(`update counterpart.customers set name = 'Between' where id = $1`, [id]);
    const born = await bench().value('select created_at from counterpart.customers where id = $1', [id]);
    await bench().quiet();
    const { rows } = await run(
      `with gone as (delete from counterpart.customers where id = $1 returning id)
       insert into counterpart.customers (id, name) select id, 'After' from gone returning name, version, created_at`,
      [id],
    );
    expect(rows).toEqual([{ name: 'After', version: 4, created_at: born }]);
    expect(await tombstone(id)).toEqual([]);
    expect(await bench().queued(id)).not.toBeNull();
    await run('delete from counterpart.customers where id = $1', [id]);
    expect(await tombstone(id)).toMatchObject([{ version: 5 }]);
  });

  test('a deletion that a trigger of the product refuses leaves no tombstone', async () => {
    const id = await bench().insert();
    await run(
      `create function public.keep_row() returns trigger language plpgsql as $$ begin return null; end $$;
       create trigger keep_row before delete on counterpart.customers for each row execute function public.keep_row()`,
    );
    await bench().quiet();
    await run('delete from counterpart.customers where id = $1', [id]);
    await run('drop trigger keep_row on counterpart.customers; drop function public.keep_row');
    expect(await version(id)).toBe(1);
    expect(await tombstone(id)).toEqual([]);
    expect(await bench().queued(id)).toBeNull();
  });
});
