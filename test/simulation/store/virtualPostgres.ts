/**
 * A real Postgres whose clock and chance are those of a simulation. Functions of these names stand in a schema that is searched
 * before pg_catalog, from before the migrations run, so that the columns' defaults are bound to them too. Both read sequences:
 * what is written there is seen by everybody at once, whatever their transactions.
 */
import { Client } from 'pg';
import { migrate } from '../../../src/store/migrate';

const SCHEMA = `
create schema virtual;
create sequence virtual.clock minvalue 0 start 0;
create sequence virtual.chance;
create function virtual.drawn() returns text language sql volatile as $$
  select md5(nextval('virtual.chance')::text)
$$;
create function virtual.gen_random_uuid() returns uuid language sql volatile as $$
  select virtual.drawn()::uuid
$$;
create function virtual.random() returns double precision language sql volatile as $$
  select ('x' || substr(virtual.drawn(), 1, 13))::bit(52)::bigint / 4503599627370496.0::float8
$$;
create function virtual.clock_timestamp() returns timestamptz language sql volatile as $$
  select to_timestamp(last_value / 1000.0) from virtual.clock
$$;
-- when the transaction began; told to the session before
create function virtual.now() returns timestamptz language sql stable as $$
  select to_timestamp(coalesce(current_setting('virtual.now', true), '0')::bigint / 1000.0)
$$;
create function virtual.statement_timestamp() returns timestamptz language sql stable as $$
  select to_timestamp(coalesce(current_setting('virtual.statement', true), '0')::bigint / 1000.0)
$$;
-- before a statement: what the clock says, and since when its transaction is open
create function virtual.at(clock bigint, began text) returns void language sql volatile as $$
  select setval('virtual.clock', clock), set_config('virtual.statement', clock::text, false),
    set_config('virtual.now', began, false)
$$;
-- Between two runs. Rows are not deleted, which costs less: where the next ones come to lie, and with it the order in which
-- they are read and locked, would then depend on the run before. Tables that nothing was written to are left alone.
create function virtual.forget(seed bigint) returns void language plpgsql as $$
declare
  name text;
  written constant text := (select string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables
    where schemaname = 'counterpart' and tablename not in ('installation', 'migrations', 'migrations_lock')
      and pg_relation_size(format('%I.%I', schemaname, tablename)::regclass) > 0);
begin
  if written is not null then execute 'truncate ' || written || ' cascade'; end if;
  for name in select format('%I.%I', schemaname, sequencename) from pg_sequences where schemaname = 'counterpart' loop
    perform setval(name::regclass, 1, false);
  end loop;
  perform setval('virtual.chance', seed * 1000000 + 1, false), setval('virtual.clock', 0);
end
$$;
`;

/** Makes an empty database one of a simulation, migrated. @param url as a superuser */
export async function prepareVirtual(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(SCHEMA);
    const { rows } = await client.query<{ name: string }>('select quote_ident(current_database()) as name');
    const database = rows[0]!.name;
    for (const setting of ['search_path = virtual, pg_catalog', 'synchronous_commit = off', 'jit = off'])
      await client.query(`alter database ${database} set ${setting}`);
  } finally {
    await client.end();
  }
  await migrate(url);
  await settle(url);
  await leaveDeadlocks(url);
}

/** flights.ts finds them at once; Postgres's own look comes after a real second, and would take another victim. */
async function leaveDeadlocks(url: string): Promise<void> {
  const admin = new URL(url);
  admin.username = 'postgres';
  const client = new Client({ connectionString: admin.href });
  await client.connect();
  try {
    await client.query(`alter database ${admin.pathname.slice(1)} set deadlock_timeout = '10min'`);
  } finally {
    await client.end();
  }
}

/**
 * The guard against TRUNCATE is for products. Autovacuum comes when it likes, moves rows and changes plans. Functions with a
 * search path of their own would read the real clock.
 */
const AFTER = `
alter table counterpart.customers disable trigger counterpart_truncate;
do $$
declare
  name text;
begin
  for name in select tablename from pg_tables where schemaname = 'counterpart' loop
    execute format('alter table counterpart.%I set (autovacuum_enabled = false)', name);
  end loop;
  for name in select p.oid::regprocedure::text from pg_proc p where pronamespace = 'counterpart'::regnamespace and prosecdef loop
    execute format('alter function %s set search_path = virtual, pg_catalog, pg_temp', name);
  end loop;
end
$$`;

async function settle(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(AFTER);
  } finally {
    await client.end();
  }
}
