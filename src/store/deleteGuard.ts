/**
 * The guard over bursts of deletions. Whether one may pass is decided while the guard's row is held, so that the bound is
 * exact whatever the number of workers. What it holds back stands in `delete_passes` until the deletion is allowed, refused or
 * wanted no longer, whatever becomes of the link's own state meanwhile (it is parked for `delete_burst`, but a look that fails
 * says so there).
 */
import { deletionsAllowed } from '../core/deleteGuard';
import type { DeleteDirection, DeleteGuard } from '../core/deleteGuard';
import { parseCatalogName, trusted } from '../core/ids';
import type { CatalogName, ConnectionName, RecordId } from '../core/ids';
import type { Sql } from './database';
import { enqueuePassing } from './workQueue';

export interface Deletion {
  readonly linkId: number;
  readonly connection: ConnectionName;
  readonly direction: DeleteDirection;
  /** Of the tombstone that goes out; 0 for a deletion that comes in. */
  readonly version: number;
  /** A person must say so, however few there are: what goes was changed after it was deleted. */
  readonly doubtful?: boolean;
}

/** `kept`: a person said that the record stays. `tripped` says that the guard did so just now. */
export type Admission =
  | { readonly kind: 'pass' }
  | { readonly kind: 'kept' }
  | { readonly kind: 'held'; readonly tripped: boolean };

interface GuardRow {
  tripped: boolean;
  /** It tripped longer ago than the window. */
  tripped_before: boolean;
  linked: number;
  linked_is_old: boolean;
}

/** How long a count of the linked records serves: it reads them all (200,000 in 30 ms). */
const LINKED_KEPT_S = 60;
const MS = `interval '1 millisecond'`;

/** Holds the guard until the transaction ends. */
async function hold(sql: Sql, { connection, direction }: Deletion, windowMs: number): Promise<GuardRow> {
  const { rows } = await sql.query<GuardRow>(
    `insert into counterpart.delete_guards as g (connection, direction) values ($1, $2)
     on conflict (connection, direction) do update set connection = excluded.connection
     returning tripped_at is not null as tripped, coalesce(tripped_at < clock_timestamp() - $3 * ${MS}, false) as tripped_before,
       linked, linked_at < clock_timestamp() - interval '${LINKED_KEPT_S} seconds' as linked_is_old`,
    [connection, direction, windowMs],
  );
  return rows[0]!;
}

/** What was said of this very deletion before; a counted one counts anew once it has left the window. */
async function earlierVerdict(
  sql: Sql,
  { linkId, direction, version }: Deletion,
  windowMs: number,
): Promise<'pass' | 'kept' | 'held' | null> {
  const { rows } = await sql.query<{ verdict: string }>(
    `select verdict from counterpart.delete_passes where link_id = $1 and direction = $2 and version = $3
       and (verdict <> 'counted' or passed_at > clock_timestamp() - $4 * ${MS})`,
    [linkId, direction, version, windowMs],
  );
  if (rows[0] === undefined) return null;
  const { verdict } = rows[0];
  return verdict === 'kept' || verdict === 'held' ? verdict : 'pass';
}

/** Over `p` (delete_passes): deletions that are held and still wanted, and `l`, their links. */
const HELD = `counterpart.delete_passes p join counterpart.links l on l.id = p.link_id
  where p.verdict = 'held' and l.state in ('reserved', 'linked', 'deleting')
    and case p.direction
      when 'out' then exists (select from counterpart.tombstones t
        where t.catalog = l.catalog and t.record_id = l.record_id and t.version = p.version)
      else not exists (select from counterpart.tombstones t where t.catalog = l.catalog and t.record_id = l.record_id) end`;

async function holdsSome(sql: Sql, { connection, direction }: Deletion): Promise<boolean> {
  const { rows } = await sql.query(`select from ${HELD} and p.connection = $1 and p.direction = $2 limit 1`, [
    connection,
    direction,
  ]);
  return rows.length > 0;
}

async function countPassed(sql: Sql, { connection, direction }: Deletion, windowMs: number): Promise<number> {
  const { rows } = await sql.query<{ passed: number }>(
    `select count(*) as passed from counterpart.delete_passes where connection = $1 and direction = $2
       and verdict = 'counted' and passed_at > greatest(clock_timestamp() - $3 * ${MS},
         (select allowed_at from counterpart.delete_guards where connection = $1 and direction = $2))`,
    [connection, direction, windowMs],
  );
  return rows[0]!.passed;
}

async function countLinked(sql: Sql, { connection, direction }: Deletion, guard: GuardRow): Promise<number> {
  if (!guard.linked_is_old) return guard.linked;
  const { rows } = await sql.query<{ linked: number }>(
    `update counterpart.delete_guards set linked_at = clock_timestamp(),
       linked = (select count(*) from counterpart.links where connection = $1 and state in ('reserved', 'linked', 'deleting'))
     where connection = $1 and direction = $2 returning linked`,
    [connection, direction],
  );
  return rows[0]!.linked;
}

async function setTripped(sql: Sql, { connection, direction }: Deletion, tripped: boolean): Promise<void> {
  await sql.query(
    `update counterpart.delete_guards set tripped_at = case when $3::boolean then clock_timestamp() end
     where connection = $1 and direction = $2`,
    [connection, direction, tripped],
  );
}

async function noteVerdict(sql: Sql, deletion: Deletion, verdict: 'counted' | 'held'): Promise<void> {
  await sql.query(
    `insert into counterpart.delete_passes (link_id, direction, connection, version, verdict, passed_at)
     values ($1, $2, $3, $4, $5, clock_timestamp())
     on conflict (link_id, direction) do update
       set version = excluded.version, verdict = excluded.verdict, passed_at = excluded.passed_at`,
    [deletion.linkId, deletion.direction, deletion.connection, deletion.version, verdict],
  );
}

/** Held from now on. */
async function holdBack(sql: Sql, deletion: Deletion, tripped: boolean): Promise<Admission> {
  if (tripped) await setTripped(sql, deletion, true);
  await noteVerdict(sql, deletion, 'held');
  return { kind: 'held', tripped };
}

/**
 * Asks for one deletion to pass. The guard's row is the last one a look locks, and is held until its transaction ends.
 * A tripped guard arms itself anew when its window is over and nothing is held any more.
 * @param limit null: a burst is let through, but what a person said of this deletion holds
 */
export async function admitDeletion(
  sql: Sql,
  deletion: Deletion,
  limit: DeleteGuard | null,
): Promise<Admission> {
  const { doubtful = false } = deletion;
  const windowMs = limit?.windowMs ?? 0;
  if (limit === null && !doubtful) {
    const said = await earlierVerdict(sql, deletion, 0);
    return said === 'held' ? { kind: 'held', tripped: false } : { kind: said ?? 'pass' };
  }
  const guard = await hold(sql, deletion, windowMs);
  const earlier = await earlierVerdict(sql, deletion, windowMs);
  if (earlier === 'pass' || earlier === 'kept') return { kind: earlier };
  if (limit === null || doubtful) return holdBack(sql, deletion, !guard.tripped);
  if (guard.tripped) {
    if (!guard.tripped_before || (await holdsSome(sql, deletion))) return holdBack(sql, deletion, false);
    await setTripped(sql, deletion, false);
  }
  const passed = await countPassed(sql, deletion, limit.windowMs);
  const { count } = limit;
  if (passed >= count && passed >= deletionsAllowed(limit, await countLinked(sql, deletion, guard)))
    return holdBack(sql, deletion, true);
  await noteVerdict(sql, deletion, 'counted');
  return { kind: 'pass' };
}

/** Deletions known by now and not carried out, in both directions, held already or still in the queue. */
const KNOWN = `
  select l.id, 'out' as direction, t.version from counterpart.links l
  join counterpart.tombstones t on t.catalog = l.catalog and t.record_id = l.record_id
  where l.connection = $1 and l.state in ('reserved', 'linked', 'deleting')
  union all
  select id, 'in', 0 from counterpart.links l
  where connection = $1 and state in ('reserved', 'linked', 'deleting')
    and (remote_deleted_at is not null
      or exists (select from counterpart.delete_passes p where p.link_id = l.id and p.direction = 'in' and p.verdict = 'held'))
    and not exists (select from counterpart.tombstones t where t.catalog = l.catalog and t.record_id = l.record_id)`;

/**
 * A person says that the deletions are meant: all that are known by now pass, counting starts anew, and what was held is
 * looked at. Deletions made from here on are guarded as before.
 * @returns how many were held
 */
export async function allowDeletions(sql: Sql, connection: ConnectionName): Promise<number> {
  await sql.query(
    `update counterpart.delete_guards set tripped_at = null, allowed_at = clock_timestamp() where connection = $1`,
    [connection],
  );
  const held = await sql.query<{ catalog: string; ids: RecordId[] }>(
    `select l.catalog, array_agg(distinct l.record_id) as ids from ${HELD} and p.connection = $1 group by l.catalog`,
    [connection],
  );
  await sql.query(
    `insert into counterpart.delete_passes (link_id, direction, connection, version, verdict, passed_at)
     select id, direction, $1, version, 'allowed', clock_timestamp() from (${KNOWN}) as known
     on conflict (link_id, direction) do update
       set version = excluded.version, verdict = excluded.verdict, passed_at = excluded.passed_at
       where delete_passes.verdict <> 'kept'`,
    [connection],
  );
  for (const { catalog, ids } of held.rows) {
    await enqueuePassing(sql, trusted(parseCatalogName(catalog), 'catalog name'), ids, 'operator');
  }
  return held.rows.reduce((sum, { ids }) => sum + ids.length, 0);
}

/**
 * A person says that this record stays though its object was deleted there: the deletion, held or only heard of so far, is
 * dropped, and the object is made anew.
 * @returns whether there was one
 */
export async function keepRecord(sql: Sql, catalog: CatalogName, recordId: RecordId): Promise<boolean> {
  const { rowCount } = await sql.query(
    `insert into counterpart.delete_passes (link_id, direction, connection, version, verdict, passed_at)
     select id, 'in', connection, 0, 'kept', clock_timestamp() from counterpart.links l
     where catalog = $1 and record_id = $2 and state in ('reserved', 'linked', 'deleting') and (remote_deleted_at is not null
       or exists (select from counterpart.delete_passes p where p.link_id = l.id and p.direction = 'in' and p.verdict = 'held'))
     on conflict (link_id, direction) do update
       set version = excluded.version, verdict = excluded.verdict, passed_at = excluded.passed_at`,
    [catalog, recordId],
  );
  return (rowCount ?? 0) > 0;
}

export interface TrippedGuard {
  readonly connection: string;
  readonly direction: DeleteDirection;
  readonly since: Date;
  /** Deletions held by now; more may stand in the queue. */
  readonly held: number;
}

/** The guards that hold deletions back. */
export async function listTripped(sql: Sql): Promise<TrippedGuard[]> {
  const { rows } = await sql.query<{
    connection: string;
    direction: DeleteDirection;
    tripped_at: Date;
    held: number;
  }>(
    `select connection, direction, tripped_at,
       (select count(*) from ${HELD} and p.connection = g.connection and p.direction = g.direction) as held
     from counterpart.delete_guards g where tripped_at is not null order by connection, direction desc`,
  );
  return rows.map(({ tripped_at: since, ...guard }) => ({ ...guard, since }));
}
