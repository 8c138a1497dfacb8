import { openDatabase, UNFLUSHED } from './database';
import type { Database } from './database';
import { nameOf, often } from './prepared';
import { benches } from './store-for-tests';

const bench = benches();
/** The Postgres of the tests waits for no commit; the one idle connection of the pool does from here on. */
const WAITING = 'set synchronous_commit = on';
const SETTING = `select current_setting('synchronous_commit') as value`;

async function setting(sql: { query: (text: string) => Promise<{ rows: unknown[] }> }): Promise<unknown> {
  return (await sql.query(SETTING)).rows[0];
}

describe('a commit that does not wait for the disk', () => {
  test('is one transaction: the next one on the same connection waits again', async () => {
    const { database } = bench();
    await database.query(WAITING);
    const pid = 'select pg_backend_pid() as pid';
    const backends: unknown[] = [];
    const during = await database.transactUnflushed(async (sql) => {
      backends.push((await sql.query(pid)).rows[0]);
      return setting(sql);
    });
    const after = await database.transact(async (sql) => {
      backends.push((await sql.query(pid)).rows[0]);
      return setting(sql);
    });
    expect(backends[1]).toEqual(backends[0]);
    expect([during, after]).toEqual([{ value: 'off' }, { value: 'on' }]);
  });

  test('is one statement where the statement says so, and commits what it did', async () => {
    const { database } = bench();
    await database.query('create table counterpart.note (n integer)');
    await database.query(WAITING);
    const { rows } = await database.query(
      `with told as (insert into counterpart.note select 1 where ${UNFLUSHED} returning n)
       select n, current_setting('synchronous_commit') as value from told`,
    );
    expect(rows).toEqual([{ n: 1, value: 'off' }]);
    expect(await setting(database)).toEqual({ value: 'on' });
    expect(await bench().value<number>('select n from counterpart.note')).toBe(1);
  });
});

test('I14, failure 36: a connection breaks in the very turn in which it is handed out: that ends no process', async () => {
  const { database } = bench();
  const heard: unknown[] = [];
  database.pool.once('acquire', (client) => {
    const broken = new Error('terminating connection due to unexpected postmaster exit');
    process.nextTick(() => heard.push(client.emit('error', broken)));
  });
  await database.transact((sql) => sql.query('select 1'));
  expect(heard).toEqual([true]);
});

describe('a statement that is run often', () => {
  const opened: Database[] = [];
  /** One connection, which has forgotten nothing yet. */
  function open(): Database {
    const database = openDatabase(bench().url, { max: 1, name: 'names', onIdleError: () => undefined });
    opened.push(database);
    return database;
  }
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
  });

  const PLUS = often('select $1::integer + 1 as sum');
  const KEPT = `select count(*)::int as n from pg_prepared_statements where name like 'cp\\_%'`;

  test('is parsed once in a connection, in and outside of a transaction; others are not kept', async () => {
    const database = open();
    expect((await database.query(PLUS, [1])).rows).toEqual([{ sum: 2 }]);
    const inside = await database.transact(async (sql) => {
      await sql.query('select $1::integer as sum', [1]);
      return [await sql.query(PLUS, [2]), await sql.query(KEPT)].flatMap(({ rows }) => rows);
    });
    expect(inside).toEqual([{ sum: 3 }, { n: 1 }]);
  });

  test('is answered where the connection has forgotten it, as behind a pooler', async () => {
    const database = open();
    await database.query(PLUS, [1]);
    await database.query('deallocate all');
    expect((await database.query(PLUS, [2])).rows).toEqual([{ sum: 3 }]);
    expect((await database.query(KEPT)).rows).toEqual([{ n: 0 }]);
  });

  test('is answered where another has named it already, as behind a pooler', async () => {
    const database = open();
    await database.query(`prepare ${nameOf(PLUS)} (integer) as ${PLUS}`);
    expect((await database.query(PLUS, [2])).rows).toEqual([{ sum: 3 }]);
  });

  test('is answered in a transaction that meets this: it begins again, without names', async () => {
    const database = open();
    await database.query(PLUS, [1]);
    let runs = 0;
    const rows = await database.transact(async (sql) => {
      runs += 1;
      if (runs === 1) await sql.query('deallocate all');
      return (await sql.query(PLUS, [3])).rows;
    });
    expect(rows).toEqual([{ sum: 4 }]);
    expect(runs).toBe(2);
  });

  test('is answered after a migration has changed what it returns', async () => {
    const database = open();
    const read = often('select n from counterpart.changed');
    await database.query('create table counterpart.changed (n integer)');
    await database.query('insert into counterpart.changed values (1)');
    expect((await database.query(read)).rows).toEqual([{ n: 1 }]);
    await database.query('alter table counterpart.changed alter n type text');
    expect((await database.query(read)).rows).toEqual([{ n: '1' }]);
  });
});
