/** Full comparisons of one connection with what stands here: at most one open per connection, each with its place. */
import { parseCatalogName, parseConnectionName, trusted } from '../core/ids';
import type { CatalogName, ConnectionName } from '../core/ids';
import type { Sql } from './database';

export const SWEEP_CAUSES = ['first', 'schedule', 'operator', 'gap', 'recovered'] as const;
/** Why a sweep was asked for. */
export type SweepCause = (typeof SWEEP_CAUSES)[number];
/** Per catalog: the other side's list, then our links, then our records. */
export type SweepPhase = 'objects' | 'links' | 'records';

export interface Sweep {
  readonly id: string;
  readonly connection: ConnectionName;
  readonly cause: SweepCause;
  /** The catalog under way; null before the first. */
  readonly catalog: CatalogName | null;
  readonly phase: SweepPhase;
  /** Where the phase goes on: a place of the other side's list, a link's id, a record's id; null begins it. */
  readonly place: string | null;
  readonly calls: number;
  readonly objects: number;
  readonly records: number;
  readonly found: number;
  /** Met parked as before, with nothing new about them: they wait for a person. */
  readonly known: number;
  /** The code of what it waits for, e.g. `paused`; null while it goes on. */
  readonly waitsFor: string | null;
  readonly waitsSince: Date | null;
  readonly requestedAt: Date;
  readonly endedAt: Date | null;
  readonly ending: 'done' | 'replaced' | null;
}

interface SweepRow {
  id: string;
  connection: string;
  cause: SweepCause;
  catalog: string | null;
  phase: SweepPhase;
  place: string | null;
  calls: number;
  objects: number;
  records: number;
  found: number;
  known: number;
  waits_for: string | null;
  waits_since: Date | null;
  requested_at: Date;
  ended_at: Date | null;
  ending: 'done' | 'replaced' | null;
}

const COLUMNS = `id, connection, cause, catalog, phase, place, calls, objects, records, found, known, waits_for,
  waits_since, requested_at, ended_at, ending`;

function sweep(row: SweepRow): Sweep {
  return {
    id: row.id,
    connection: trusted(parseConnectionName(row.connection), 'connection name'),
    cause: row.cause,
    catalog: row.catalog === null ? null : trusted(parseCatalogName(row.catalog), 'catalog name'),
    phase: row.phase,
    place: row.place,
    calls: row.calls,
    objects: row.objects,
    records: row.records,
    found: row.found,
    known: row.known,
    waitsFor: row.waits_for,
    waitsSince: row.waits_since,
    requestedAt: row.requested_at,
    endedAt: row.ended_at,
    ending: row.ending,
  };
}

/** @returns the sweep that was opened, or the one that is open already */
export async function request(
  sql: Sql,
  connection: ConnectionName,
  cause: SweepCause,
): Promise<{ readonly opened: boolean; readonly sweep: Sweep }> {
  const { rows } = await sql.query<SweepRow>(
    `insert into counterpart.sweeps (connection, cause) values ($1, $2) on conflict do nothing returning ${COLUMNS}`,
    [connection, cause],
  );
  if (rows[0] !== undefined) return { opened: true, sweep: sweep(rows[0]) };
  const open = await findOpen(sql, connection);
  // it ended between the two statements
  return open === null ? request(sql, connection, cause) : { opened: false, sweep: open };
}

/** A sweep that began before a gap read what may have changed since: it is given up and a new one begins. */
export async function replace(sql: Sql, connection: ConnectionName, cause: SweepCause): Promise<void> {
  await sql.query(
    `with given_up as (update counterpart.sweeps set ended_at = now(), ending = 'replaced'
       where connection = $1 and ended_at is null and cause <> 'recovered' returning id)
     delete from counterpart.sweep_seen where sweep_id in (select id from given_up)`,
    [connection],
  );
  await request(sql, connection, cause);
}

/**
 * The first sweep of a connection, once ever: what stood on one side only at set-up comes to the other. It waits until what
 * is made meanwhile is heard of: the first cursor is committed, or there is no event list to read.
 * @returns whether the connection has had a sweep, or has one open
 */
export async function requestFirst(
  sql: Sql,
  connection: ConnectionName,
  hasEvents: boolean,
): Promise<boolean> {
  await sql.query(
    `insert into counterpart.sweeps (connection, cause)
     select name, 'first' from counterpart.connections c
     where name = $1 and identified_at is not null
       and (not $2 or 'events' = any(degraded)
         or exists (select from counterpart.event_cursors e where e.connection = c.name))
       and not exists (select from counterpart.sweeps s where s.connection = c.name)
     on conflict do nothing`,
    [connection, hasEvents],
  );
  const { rowCount } = await sql.query('select from counterpart.sweeps where connection = $1 limit 1', [
    connection,
  ]);
  return rowCount === 1;
}

export async function findOpen(sql: Sql, connection: ConnectionName): Promise<Sweep | null> {
  const { rows } = await sql.query<SweepRow>(
    `select ${COLUMNS} from counterpart.sweeps where connection = $1 and ended_at is null`,
    [connection],
  );
  return rows[0] === undefined ? null : sweep(rows[0]);
}

export async function findSweep(sql: Sql, id: string): Promise<Sweep | null> {
  const { rows } = await sql.query<SweepRow>(`select ${COLUMNS} from counterpart.sweeps where id = $1`, [id]);
  return rows[0] === undefined ? null : sweep(rows[0]);
}

/** Says that an older backup was restored (`counterpart.recovered` in the migration). @returns the sweeps this asks for */
export async function recover(sql: Sql): Promise<Sweep[]> {
  await sql.query('select counterpart.recovered()');
  const { rows } = await sql.query<SweepRow>(
    `select ${COLUMNS} from counterpart.sweeps where ended_at is null order by connection`,
  );
  return rows.map(sweep);
}

/** Newest first. */
export async function listSweeps(sql: Sql, limit: number): Promise<Sweep[]> {
  const { rows } = await sql.query<SweepRow>(
    `select ${COLUMNS} from counterpart.sweeps order by requested_at desc, id desc limit $1`,
    [limit],
  );
  return rows.map(sweep);
}

/**
 * Open sweeps that nobody has been told of, or that stand still: the run may be gone.
 * @param idleMs how long a sweep may be without a step before it is rung again
 */
export async function claimUnrung(
  sql: Sql,
  connections: readonly ConnectionName[],
  idleMs: number,
): Promise<ConnectionName[]> {
  const { rows } = await sql.query<{ connection: string }>(
    `update counterpart.sweeps set rung_at = now()
     where ended_at is null and connection = any($1)
       and (rung_at is null or greatest(rung_at, progressed_at) < now() - $2 * interval '1 millisecond')
     returning connection`,
    [connections, idleMs],
  );
  return rows.map((row) => trusted(parseConnectionName(row.connection), 'connection name'));
}

/** How far a step came. */
export interface SweepStep {
  readonly catalog: CatalogName;
  readonly phase: SweepPhase;
  readonly place: string | null;
  readonly calls: number;
  readonly objects: number;
  readonly records: number;
  readonly found: number;
  readonly known: number;
}

/** Moves a sweep on from the place it was read at. @returns false when another attempt was there first */
export async function advance(sql: Sql, from: Sweep, step: SweepStep): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update counterpart.sweeps set catalog = $2, phase = $3, place = $4, calls = calls + $5, objects = objects + $6,
       records = records + $7, found = found + $8, known = known + $12, waits_for = null, waits_since = null, progressed_at = now()
     where id = $1 and ended_at is null and catalog is not distinct from $9 and phase = $10
       and place is not distinct from $11`,
    [
      from.id,
      step.catalog,
      step.phase,
      step.place,
      step.calls,
      step.objects,
      step.records,
      step.found,
      from.catalog,
      from.phase,
      from.place,
      step.known,
    ],
  );
  return rowCount === 1;
}

/** Says why a sweep stands still. */
export async function noteWaiting(sql: Sql, id: string, code: string): Promise<void> {
  await sql.query(
    `update counterpart.sweeps set waits_for = $2, progressed_at = now(),
       waits_since = case when waits_for = $2 then waits_since else now() end
     where id = $1 and ended_at is null`,
    [id, code],
  );
}

/** Ends a sweep that has read everything, and forgets whom it met. @returns false when it had ended before */
export async function end(sql: Sql, id: string): Promise<boolean> {
  await sql.query('delete from counterpart.sweep_seen where sweep_id = $1', [id]);
  const { rowCount } = await sql.query(
    `update counterpart.sweeps set ended_at = now(), ending = 'done', waits_for = null, waits_since = null
     where id = $1 and ended_at is null`,
    [id],
  );
  return rowCount === 1;
}
