/** The breaker of each connection: open while the system does not answer. Shared by all processes. */
import { parseConnectionName, trusted } from '../core/ids';
import type { ConnectionName } from '../core/ids';
import type { Sql } from './database';

/** Between two turns of one connection, over all processes: one probe a second, one release a second. */
const TURN_EVERY_MS = 1_000;
/** A turn further away than any that was ever set: Postgres's clock was set back. */
const TURN_LATEST_MS = 2 * TURN_EVERY_MS;
/**
 * A row due later than this was put away until its connection serves again; one that only backs off after a failed try
 * is due sooner.
 */
const PUT_AWAY_MS = 60_000;

/** The connection is down from now on. @returns false when it was already */
export async function open(sql: Sql, name: ConnectionName, code: string | null): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update counterpart.connections
     set down_since = clock_timestamp(), down_code = $2, release_rows = 0,
       probe_at = clock_timestamp() + ${TURN_EVERY_MS} * interval '1 millisecond'
     where name = $1 and down_since is null`,
    [name, code],
  );
  return rowCount === 1;
}

/** What the system did not answer with this time. */
export async function stillDown(sql: Sql, name: ConnectionName, code: string | null): Promise<void> {
  await sql.query(
    'update counterpart.connections set down_code = $2 where name = $1 and down_since is not null and down_code is distinct from $2',
    [name, code],
  );
}

/** The system answers again. @returns false when the breaker was not open */
export async function close(sql: Sql, name: ConnectionName): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update counterpart.connections
     set down_since = null, down_code = null, release_rows = 0, probe_at = clock_timestamp()
     where name = $1 and down_since is not null`,
    [name],
  );
  return rowCount === 1;
}

export type Turn =
  /** ask the system whether it answers */
  | { readonly kind: 'probe' }
  /** let so many rows go on that were put away */
  | { readonly kind: 'release'; readonly rows: number };

/**
 * Takes this second's turn of a connection, if there is anything to do and no other process has it. Releases begin with
 * one row and double each second, so that a system that only seemed to answer costs little. `<> '{}'` names the partial index:
 * without it a backlog of 100,000 rows is read each second.
 * @param rowsMax released in one second at most
 */
export async function claimTurn(sql: Sql, name: ConnectionName, rowsMax: number): Promise<Turn | null> {
  const { rows } = await sql.query<{ down: boolean; release_rows: number }>(
    `update counterpart.connections c
     set probe_at = clock_timestamp() + ${TURN_EVERY_MS} * interval '1 millisecond',
       release_rows = case when down_since is null then least($2, greatest(1, release_rows * 2)) else 0 end
     where name = $1 and paused_at is null and (probe_at is null or probe_at <= clock_timestamp() or probe_at > clock_timestamp() + ${TURN_LATEST_MS} * interval '1 millisecond')
       and (down_since is not null or recovering_since is null and exists (select from counterpart.work_queue q
         where q.waiting_on <> '{}' and q.waiting_on @> array[$1] and q.due_at > clock_timestamp() + ${PUT_AWAY_MS} * interval '1 millisecond'))
     returning down_since is not null as down, release_rows`,
    [name, rowsMax],
  );
  if (rows[0] === undefined) return null;
  return rows[0].down ? { kind: 'probe' } : { kind: 'release', rows: rows[0].release_rows };
}

/**
 * Makes rows due that were put away for this connection, the longest waiting first; they come after live edits and before a
 * newer bulk. What was released before and not rung yet counts; a bulk that was never rung does not.
 * @returns how many records
 */
export async function releaseSome(sql: Sql, name: ConnectionName, rowsMax: number): Promise<number> {
  const { rowCount } = await sql.query(
    `update counterpart.work_queue q set due_at = least(clock_timestamp(), q.hinted_at), waiting_on = '{}', bulk = true
     from (select catalog, record_id from counterpart.work_queue
       where waiting_on <> '{}' and waiting_on @> array[$1] and due_at > clock_timestamp() + ${PUT_AWAY_MS} * interval '1 millisecond'
       order by hinted_at
       limit greatest(0, $2::bigint - (select count(*) from counterpart.work_queue
         where bulk and hint not in ('sweep', 'recovered') and signalled_at is not null and due_at <= clock_timestamp()))
       for update skip locked) as chosen
     where q.catalog = chosen.catalog and q.record_id = chosen.record_id`,
    [name, rowsMax],
  );
  if (rowCount !== null && rowCount > 0) await sql.query(`select pg_notify('counterpart_work', '')`);
  return rowCount ?? 0;
}

/** Records that wait for each connection. */
export async function countWaiting(sql: Sql): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql.query<{ connection: string; records: number }>(
    `select connection, count(*) as records from counterpart.work_queue, unnest(waiting_on) as connection
     where waiting_on <> '{}' group by 1`,
  );
  return new Map(rows.map(({ connection, records }) => [connection, records]));
}

/** Which of these serve nothing now: paused, recovering or down. Whoever changes that waits until the transaction ends. */
export async function lockHeld(sql: Sql, names: readonly ConnectionName[]): Promise<ConnectionName[]> {
  const { rows } = await sql.query<{ name: string }>(
    `select name from counterpart.connections where name = any($1)
       and (paused_at is not null or recovering_since is not null or down_since is not null) order by name for share`,
    [names],
  );
  return rows.map((row) => trusted(parseConnectionName(row.name), 'connection name'));
}
