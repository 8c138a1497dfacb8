/** How far the event list of each connection was read. */
import type { ConnectionName } from '../core/ids';
import type { Sql } from './database';

export interface Cursor {
  /** Unix seconds of the newest event read, by the system's clock. */
  readonly createdAt: number;
  /** Milliseconds since the last full overlap. */
  readonly overlapAgeMs: number;
  /** Milliseconds since the list was last read to where it was known. */
  readonly polledAgeMs: number;
}

/** Set-up commits the first cursor, so that nothing that happens from then on is missed. */
export async function startCursor(sql: Sql, connection: ConnectionName, createdAt: number): Promise<void> {
  await sql.query(
    `insert into counterpart.event_cursors (connection, event_created_at) values ($1, to_timestamp($2)) on conflict do nothing`,
    [connection, createdAt],
  );
}

export async function readCursor(sql: Sql, connection: ConnectionName): Promise<Cursor | null> {
  const { rows } = await sql.query<{ created: number; overlap_age_ms: number; polled_age_ms: number }>(
    `select floor(extract(epoch from event_created_at))::bigint as created,
       floor(extract(epoch from now() - overlapped_at) * 1000)::bigint as overlap_age_ms,
       floor(extract(epoch from now() - polled_at) * 1000)::bigint as polled_age_ms
     from counterpart.event_cursors where connection = $1`,
    [connection],
  );
  const [row] = rows;
  return row === undefined
    ? null
    : { createdAt: row.created, overlapAgeMs: row.overlap_age_ms, polledAgeMs: row.polled_age_ms };
}

/** The cursor never moves back: events surface late, and their time says nothing about what was read. */
export async function moveCursor(
  sql: Sql,
  connection: ConnectionName,
  to: { createdAt: number | null; overlapped: boolean },
): Promise<void> {
  await sql.query(
    `update counterpart.event_cursors set polled_at = now(),
       event_created_at = greatest(event_created_at, coalesce(to_timestamp($2), event_created_at)),
       overlapped_at = case when $3 then now() else overlapped_at end
     where connection = $1`,
    [connection, to.createdAt, to.overlapped],
  );
}

/** One poller per connection: takes or renews the lease. @returns false when another process holds it */
export async function leasePoll(
  sql: Sql,
  connection: ConnectionName,
  poller: string,
  leaseMs: number,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update counterpart.event_cursors set poller = $2, lease_until = now() + $3 * interval '1 millisecond'
     where connection = $1 and (poller = $2 or lease_until < now())`,
    [connection, poller, leaseMs],
  );
  return rowCount === 1;
}

/** Lets another process poll at once. */
export async function releasePoll(sql: Sql, connection: ConnectionName, poller: string): Promise<void> {
  await sql.query(
    `update counterpart.event_cursors set lease_until = '-infinity' where connection = $1 and poller = $2`,
    [connection, poller],
  );
}
