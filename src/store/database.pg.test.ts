import { UNFLUSHED } from './database';
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
