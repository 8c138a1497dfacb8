/** Customers that stand here as if they had been in sync for long. No event and no trigger tells of them. */
import type { Pool } from 'pg';

/** @param rows SQL that selects `remote_id`, `name` and `email` of each */
async function insertAgreed(pool: Pool, rows: string, values: readonly unknown[]): Promise<void> {
  await pool.query(
    `with given as materialized (select counterpart.uuidv7() as id, t.* from (${rows}) as t),
     here as (insert into counterpart.customers (id, name, email) select id, name, email from given)
     insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, base, agreed_version,
       outcome, last_synced_at)
     select 'stripe', 'customer', id, 1, remote_id, 'linked', 'remote', jsonb_build_object(
       'name', jsonb_build_object('ours', name, 'theirs', name),
       'email', jsonb_build_object('ours', email, 'theirs', email)), 1, 'in_sync', now() from given`,
    [...values],
  );
}

async function pastTriggers(pool: Pool, work: () => Promise<void>): Promise<void> {
  await pool.query('alter table counterpart.customers disable trigger user');
  await work();
  await pool.query('alter table counterpart.customers enable trigger user');
  await pool.query('vacuum analyze counterpart.customers, counterpart.links');
}

/**
 * So many more records with a link each, in one statement. Their objects do not stand at the simulator: they are there to be
 * many, and no look is made at them.
 */
export async function crowdOfRecords(pool: Pool, count: number): Promise<void> {
  const crowd = `select 'cus_crowd' || i as remote_id, 'Crowd ' || i as name, 'crowd-' || i || '@example.com' as email
    from generate_series(1, $1) as i`;
  await pastTriggers(pool, () => insertAgreed(pool, crowd, [count]));
}

const ROWS_TOGETHER = 5_000;

/** A record for each of these objects, which stand at the simulator with the same values. */
export async function recordsOf(
  pool: Pool,
  objects: ReadonlyArray<{ remote_id: string; name: string; email: string }>,
): Promise<void> {
  await pastTriggers(pool, async () => {
    for (let from = 0; from < objects.length; from += ROWS_TOGETHER) {
      const some = JSON.stringify(objects.slice(from, from + ROWS_TOGETHER));
      await insertAgreed(
        pool,
        'select * from jsonb_to_recordset($1::jsonb) as o (remote_id text, name text, email text)',
        [some],
      );
    }
  });
}
