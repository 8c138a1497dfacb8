import { Client } from 'pg';
import { MIGRATIONS } from './index';
import { migrate, rollBack } from '../src/store/migrate';
import { emptyDatabase } from '../test/environment/database';
import type { FreshDatabase } from '../test/environment/database';

let fresh: FreshDatabase;
beforeEach(async () => {
  fresh = await emptyDatabase();
});
afterEach(() => fresh.drop());

async function ask<T>(sql: string, url = fresh.url): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as T[];
  } finally {
    await client.end();
  }
}

const OBJECTS = `
  select 'table ' || tablename as name from pg_tables where schemaname = 'counterpart'
  union all select 'function ' || proname from pg_proc p join pg_namespace n on n.oid = pronamespace where nspname = 'counterpart'
  union all select 'sequence ' || sequencename from pg_sequences where schemaname = 'counterpart'
  order by 1`;

async function objects(): Promise<string[]> {
  return (await ask<{ name: string }>(OBJECTS)).map((row) => row.name);
}

const applied = () => ask<{ name: string }>('select name from counterpart.migrations order by id');
const all = MIGRATIONS.map(({ name }) => ({ name }));

test('an empty database gets everything; a second run changes nothing', async () => {
  await migrate(fresh.url);
  const made = await objects();
  expect(made).toContain('table customers');
  await migrate(fresh.url);
  expect(await objects()).toEqual(made);
  expect(await applied()).toEqual(all);
});

test('taken back, nothing of ours is left but the books of the migrations; taken again, it is all there', async () => {
  await migrate(fresh.url);
  const made = await objects();
  await rollBack(fresh.url);
  expect((await objects()).filter((name) => !name.includes('migrations'))).toEqual([]);
  await migrate(fresh.url);
  expect(await objects()).toEqual(made);
});

test('three processes start at once: each migration runs once', async () => {
  await Promise.all([migrate(fresh.url), migrate(fresh.url), migrate(fresh.url)]);
  expect(await applied()).toEqual(all);
  expect(await ask('select count(*)::int as n from counterpart.installation')).toEqual([{ n: 1 }]);
});

test('a migrator was killed while it held the lock row: the next one goes on', async () => {
  await migrate(fresh.url);
  await rollBack(fresh.url);
  await ask('update counterpart.migrations_lock set is_locked = 1');
  await migrate(fresh.url);
  expect(await applied()).toEqual(all);
});

test('45: rolled back to, an older version leaves what a newer one has migrated as it is', async () => {
  await migrate(fresh.url);
  const newer = { name: '9999_of_a_newer_version' };
  await ask(
    `insert into counterpart.migrations (name, batch, migration_time) values ('${newer.name}', 2, now())`,
  );
  await migrate(fresh.url);
  expect(await applied()).toEqual([...all, newer]);
});

test('failure 51: every installation has a name and a secret of its own', async () => {
  const other = await emptyDatabase();
  try {
    await Promise.all([migrate(fresh.url), migrate(other.url)]);
    const read = (url: string) =>
      ask('select id, encode(secret, $$hex$$) as secret from counterpart.installation', url);
    const [[one], [two]] = await Promise.all([read(fresh.url), read(other.url)]);
    expect(one).not.toEqual(two);
    expect(one).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{16}$/) });
  } finally {
    await other.drop();
  }
});

test('no superuser and no extension is needed, and the names of the product are left alone', async () => {
  await ask('create table public.customers (id int)');
  await migrate(fresh.url);
  expect(await applied()).toEqual(all);
  expect(await ask('select rolsuper from pg_roles where rolname = current_user')).toEqual([
    { rolsuper: false },
  ]);
  expect(await ask(`select extname from pg_extension where extname <> 'plpgsql'`)).toEqual([]);
  expect(await ask(`select tablename from pg_tables where schemaname = 'public'`)).toEqual([
    { tablename: 'customers' },
  ]);
});
