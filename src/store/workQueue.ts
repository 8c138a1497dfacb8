/** The set of records that need a look: one row per record, however many changes. `counterpart.enqueue` is the one way in. */
import { parseCatalogName, parseRecordId, trusted } from '../core/ids';
import type { CatalogName, ConnectionName, RecordId } from '../core/ids';
import { UNFLUSHED } from './database';
import type { Sql } from './database';

/** `recovered`: found by the sweep after a restored backup; where both sides changed, the other side's value wins. */
export type Hint = 'local' | 'webhook' | 'poll' | 'pull' | 'sweep' | 'recovered' | 'operator' | 'recognised';

export interface DueRecord {
  readonly catalog: CatalogName;
  readonly recordId: RecordId;
}

export async function enqueue(
  sql: Sql,
  catalog: CatalogName,
  recordIds: readonly RecordId[],
  hint: Hint,
): Promise<void> {
  await sql.query('select counterpart.enqueue($1, $2::uuid[], $3)', [catalog, recordIds, hint]);
}

/**
 * As `enqueue`, for many records at once: rows that somebody's open transaction holds are passed by, and their hints are owed.
 * @returns the records that were queued
 */
export async function enqueuePassing(
  sql: Sql,
  catalog: CatalogName,
  recordIds: readonly RecordId[],
  hint: Hint,
): Promise<RecordId[]> {
  const { rows } = await sql.query<{ id: string }>(
    'select unnest(counterpart.enqueue_passing($1, $2::uuid[], $3)) as id',
    [catalog, recordIds, hint],
  );
  return rows.map(({ id }) => trusted(parseRecordId(id), 'record id'));
}

/** Gives the hints that `enqueuePassing` owes, as far as their rows are free by now. */
export async function placeOwed(sql: Sql): Promise<void> {
  await sql.query('select counterpart.place_owed()');
}

/**
 * Claims due rows for ringing: the lease moves their due time on, twice as far at each ring that no look answered. The
 * claim is one statement and so committed before any network call. Rows another relay is claiming are passed over.
 * @param limit.rows claimed at once, at most
 * @param limit.inFlight rows that were rung once and not answered, at most: a burst of 100,000 changes waits here, where
 * it costs nothing, and not as open runs. Rows that had to be rung again do not count: however many never answer, they
 * hold up no other.
 * Rows of a bulk (a sweep's, or queued by one large statement) come after all others, and take up half of `inFlight` at
 * most: whatever their number, a live edit finds a place at once. One is rung where live ones have taken all places.
 * @param limit.bulk of them, at most: a live edit's look waits behind so many others
 * @param lease.ms first lease; @param lease.maxMs longest one
 */
export async function claimDue(
  sql: Sql,
  limit: { rows: number; inFlight: number; bulk?: number },
  lease: { ms: number; maxMs: number },
): Promise<DueRecord[]> {
  const { rows } = await sql.query<{ catalog: string; record_id: string }>(
    // By ctid, and with a time that is fixed for the statement: joined by key, the planner (who cannot know the limit) reads the
    // whole queue at each claim, and 'due_at <= clock_timestamp()' is no condition for an index. Rows that changed meanwhile are
    // left for the next claim. Of 100,000 rows: 2 ms instead of 30.
    `with rung as (select count(*) as n, count(*) filter (where bulk) as bulk from counterpart.work_queue
       where rings = 1 and (waiting_on = '{}' or bulk) and due_at > statement_timestamp()),
     live as (select ctid from counterpart.work_queue where not bulk and due_at <= statement_timestamp()
       order by due_at limit greatest(0, least($1::bigint, $2::bigint - (select n from rung)))
       for update skip locked),
     bulk as (select ctid from counterpart.work_queue where bulk and due_at <= statement_timestamp()
       order by due_at limit greatest(0, least($1::bigint - (select count(*) from live), greatest(1 - (select bulk from rung),
         least($2::bigint - (select n from rung) - (select count(*) from live), least($2::bigint / 2, $5::bigint) - (select bulk from rung)))))
       for update skip locked)
     update counterpart.work_queue q
     set signalled_at = clock_timestamp(), rings = q.rings + 1,
         due_at = clock_timestamp() + least($3 * power(2, least(q.rings, 20)), $4) * interval '1 millisecond'
     where q.ctid = any(array(select ctid from live union all select ctid from bulk)) and ${UNFLUSHED}
     returning q.catalog, q.record_id`,
    [limit.rows, limit.inFlight, lease.ms, lease.maxMs, limit.bulk ?? limit.inFlight],
  );
  return rows.map((row) => ({
    catalog: trusted(parseCatalogName(row.catalog), 'catalog name'),
    recordId: trusted(parseRecordId(row.record_id), 'record id'),
  }));
}

/** The ring did not reach anybody: the rows are due again after `delayMs`, and the ring is not counted. */
export async function unclaim(sql: Sql, due: readonly DueRecord[], delayMs: number): Promise<void> {
  await sql.query(
    `update counterpart.work_queue q
     set due_at = clock_timestamp() + $3 * interval '1 millisecond', rings = greatest(q.rings - 1, 0)
     from unnest($1::text[], $2::uuid[]) as failed (catalog, record_id)
     where q.catalog = failed.catalog and q.record_id = failed.record_id`,
    [due.map((d) => d.catalog), due.map((d) => d.recordId), delayMs],
  );
}

/** Milliseconds until the next row is due; 0 when one is due now, null when the queue is empty. */
export async function msUntilDue(sql: Sql): Promise<number | null> {
  const { rows } = await sql.query<{ ms: number | null }>(
    // No greatest(0, …) here: it passes over a null, and an empty queue would be due at once, for ever.
    `select ceil(extract(epoch from least((select min(due_at) from counterpart.work_queue where not bulk),
       (select min(due_at) from counterpart.work_queue where bulk)) - clock_timestamp()) * 1000)::bigint as ms`,
  );
  const ms = rows[0]?.ms ?? null;
  return ms === null ? null : Math.max(0, ms);
}

/** Rows of a bulk that no look has answered, counted up to `most`: whoever makes them waits while there are many. */
export async function countBulk(sql: Sql, most: number): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    `select count(*) as n from (
       select from counterpart.work_queue where bulk and waiting_on = '{}' limit $1) as counted`,
    [most],
  );
  return rows[0]!.n;
}

/** The hint a look begins from. @returns null when nothing waits for this record */
export async function readHint(
  sql: Sql,
  catalog: CatalogName,
  recordId: RecordId,
): Promise<{ seq: number; hint: string; bulk: boolean; recovered: boolean } | null> {
  const { rows } = await sql.query<{ seq: number; hint: string; bulk: boolean; recovered: boolean }>(
    'select seq, hint, bulk, recovered from counterpart.work_queue where catalog = $1 and record_id = $2',
    [catalog, recordId],
  );
  return rows[0] ?? null;
}

/**
 * Holds the row until the transaction ends: neither is it acknowledged nor does a newer hint commit before that.
 * @returns false when the hint was answered, or a newer one came
 */
export async function holdHint(
  sql: Sql,
  catalog: CatalogName,
  recordId: RecordId,
  seq: number,
): Promise<boolean> {
  const { rows } = await sql.query(
    'select from counterpart.work_queue where catalog = $1 and record_id = $2 and seq = $3 for share',
    [catalog, recordId, seq],
  );
  return rows.length > 0;
}

/** What became of the row when a look ended. */
export type Acknowledgement =
  /** the row is gone: nothing newer was hinted since the look began; `ageMs` from the first hint until now */
  | { readonly kind: 'done'; readonly ageMs: number | null }
  /** a newer hint stands: look again */
  | { readonly kind: 'newer' };

/**
 * Deletes the row if it still is the one the look began from. A row that is gone was acknowledged before: done too. Does not wait
 * for the disk: an acknowledgement that a crash of Postgres loses is a look more.
 */
export async function acknowledge(
  sql: Sql,
  catalog: CatalogName,
  recordId: RecordId,
  seq: number,
): Promise<Acknowledgement> {
  const { rows } = await sql.query<{ age_ms: number }>(
    `delete from counterpart.work_queue where catalog = $1 and record_id = $2 and seq = $3 and ${UNFLUSHED}
     returning (extract(epoch from clock_timestamp() - hinted_at) * 1000)::float8 as age_ms`,
    [catalog, recordId, seq],
  );
  if (rows[0] !== undefined) return { kind: 'done', ageMs: rows[0].age_ms };
  const { rowCount } = await sql.query(
    `update counterpart.work_queue set hinted_at = last_hint_at
     where catalog = $1 and record_id = $2 and ${UNFLUSHED}`,
    [catalog, recordId],
  );
  return rowCount === 0 ? { kind: 'done', ageMs: null } : { kind: 'newer' };
}

/**
 * Leaves the row for later: the look could not finish because of these connections.
 * @param wait.putAway nothing is to be done before a connection serves again: when it comes due after all, it comes after
 * live edits, and counts as one of the rung, so that thousands put away together do not come due as thousands of runs
 */
export async function postpone(
  sql: Sql,
  catalog: CatalogName,
  recordId: RecordId,
  seq: number,
  wait: { on: readonly ConnectionName[]; ms: number; putAway: boolean },
): Promise<Acknowledgement> {
  const { rowCount } = await sql.query(
    `update counterpart.work_queue
     set due_at = clock_timestamp() + $4 * interval '1 millisecond', waiting_on = $5, rings = 0,
       bulk = bulk or $6
     where catalog = $1 and record_id = $2 and seq = $3`,
    [catalog, recordId, seq, wait.ms, wait.on, wait.putAway],
  );
  if (rowCount === 1) return { kind: 'done', ageMs: null };
  const still = await readHint(sql, catalog, recordId);
  return still === null ? { kind: 'done', ageMs: null } : { kind: 'newer' };
}

/**
 * A whole run of looks came to no rest.
 * @returns how many did so in a row since the newest hint; null when there is a newer one than `seq`
 */
export async function noteRestless(
  sql: Sql,
  catalog: CatalogName,
  recordId: RecordId,
  seq: number,
): Promise<number | null> {
  const { rows } = await sql.query<{ restless: number }>(
    `update counterpart.work_queue set restless = restless + 1
     where catalog = $1 and record_id = $2 and seq = $3 returning restless`,
    [catalog, recordId, seq],
  );
  return rows[0]?.restless ?? null;
}

/** Sets rows aside that can only wait for this connection: nothing is rung for them until it is released. */
export async function holdFor(
  sql: Sql,
  catalog: CatalogName,
  recordIds: readonly RecordId[],
  wait: { on: ConnectionName; ms: number },
): Promise<void> {
  await sql.query(
    `update counterpart.work_queue set waiting_on = array[$3], due_at = clock_timestamp() + $4 * interval '1 millisecond'
     where catalog = $1 and record_id = any($2::uuid[]) and rings = 0 and waiting_on = '{}' and bulk`,
    [catalog, recordIds, wait.on, wait.ms],
  );
}

/** Released by one statement, far below the time-out of one; the watch lets the rest go, some each second. */
const RELEASED_ROWS = 10_000;

/**
 * Rings what waits for a connection which works again, after live edits. Rows that somebody holds are passed over: the watch
 * comes back for them.
 * @returns how many records
 */
export async function releaseWaiting(sql: Sql, connection: ConnectionName): Promise<number> {
  const { rowCount } = await sql.query(
    `update counterpart.work_queue set due_at = clock_timestamp(), waiting_on = '{}', bulk = true
     where ctid = any(array(select ctid from counterpart.work_queue where waiting_on <> '{}' and waiting_on @> array[$1]
       limit ${RELEASED_ROWS} for update skip locked))`,
    [connection],
  );
  await sql.query(`select pg_notify('counterpart_work', '')`);
  return rowCount ?? 0;
}
