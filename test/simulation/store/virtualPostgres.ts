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
-- Between two runs. Deleting is ten times as fast as TRUNCATE while there is little to scan; what dead rows pile up goes with the
-- one that 'thorough' asks for. Triggers write while they fire, so what they write to goes last.
create function virtual.forget(seed bigint, thorough boolean) returns void language plpgsql as $$
declare
  name text;
  last_ones constant text[] := '{customers,links,tombstones,work_queue,timeline}';
  others constant text[] := (select array_agg(tablename order by tablename = 'connections', tablename <> 'delete_guards') from pg_tables
    where schemaname = 'counterpart' and tablename not in ('installation', 'migrations', 'migrations_lock')
      and tablename <> all(last_ones));
begin
  if thorough then
    execute 'truncate ' || (select string_agg('counterpart.' || t, ', ') from unnest(others || last_ones) as t) || ' cascade';
  else
    foreach name in array others || last_ones loop
      execute 'delete from counterpart.' || name;
    end loop;
  end if;
  for name in select quote_ident(sequencename) from pg_sequences where schemaname = 'counterpart' loop
    perform setval(('counterpart.' || name)::regclass, 1, false);
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
  await allowTruncate(url);
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

async function allowTruncate(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('alter table counterpart.customers disable trigger counterpart_truncate');
  } finally {
    await client.end();
  }
}
