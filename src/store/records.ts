/**
 * The engine's reads and writes of a catalog's own table. Table and column names come from the catalog's definition,
 * never from input.
 */
import type { Catalog } from '../catalogs/catalog';
import type { Fields, FieldValue } from '../core/fields';
import type { ConnectionName, RecordId, RemoteId } from '../core/ids';
import { parseRecordId, trusted } from '../core/ids';
import type { LocalRecord } from '../core/sides';
import type { Sql } from './database';
import { MAY_HAVE_MADE } from './intents';
import { sameForm } from './sameForm';
import { often } from './prepared';

type Row = { version: number } & Record<string, FieldValue>;

export interface LiveRecord {
  readonly fields: Fields;
  readonly version: number;
}

function columns(catalog: Catalog): string[] {
  return Object.keys(catalog.fields);
}

function live(catalog: Catalog, row: Row): LiveRecord {
  const fields = Object.fromEntries(columns(catalog).map((name) => [name, row[name] ?? null]));
  return { fields, version: row.version };
}

async function find(
  sql: Sql,
  catalog: Catalog,
  id: RecordId,
  locking: '' | 'for update',
): Promise<LocalRecord> {
  const { rows } = await sql.query<Row>(
    often(
      `select version, ${columns(catalog).join(', ')} from counterpart.${catalog.table} where id = $1 ${locking}`,
    ),
    [id],
  );
  if (rows[0] !== undefined) return { kind: 'live', ...live(catalog, rows[0]) };
  const tombs = await sql.query<{ fields: Fields; version: number }>(
    'select fields, version from counterpart.tombstones where catalog = $1 and record_id = $2',
    [catalog.name, id],
  );
  const [tomb] = tombs.rows;
  return tomb === undefined
    ? { kind: 'absent' }
    : { kind: 'tombstone', fields: tomb.fields, version: tomb.version };
}

export function readRecord(sql: Sql, catalog: Catalog, id: RecordId): Promise<LocalRecord> {
  return find(sql, catalog, id, '');
}

/**
 * Whether the record was restored after it had this version, and so deleted in between: what was agreed on with an earlier
 * version is no word about the record that stands now.
 * @param object an event about it that the system says is later than the restore: then what became of it came later, too, and
 * the restore is not the last word. Days before the restore are left out for the index only.
 */
export async function restoredSince(
  sql: Sql,
  catalog: Catalog,
  id: RecordId,
  version: number,
  object: { readonly connection: ConnectionName; readonly remoteId: RemoteId },
): Promise<boolean> {
  const { rows } = await sql.query(
    `select from counterpart.timeline t where catalog = $1 and record_id = $2 and version > $3
       and kind = 'change' and detail ->> 'does' = 'restore'
       and not exists (select from counterpart.events e where e.connection = $4 and e.catalog = $1 and e.remote_id = $5
         and e.created_at > t.at and e.received_at > t.at - interval '1 day') limit 1`,
    [catalog.name, id, version, object.connection, object.remoteId],
  );
  return rows.length > 0;
}

/** Holds the row until the transaction ends: nobody edits it between the decision and what the decision writes. */
export function lockRecord(sql: Sql, catalog: Catalog, id: RecordId): Promise<LocalRecord> {
  return find(sql, catalog, id, 'for update');
}

/** A trigger of the product answered a write of ours with NULL: its way of refusing, as good as raising. */
class SwallowedWrite extends Error {
  override readonly name = 'SwallowedWrite';
  readonly code = 'P0001';
  constructor(table: string) {
    super(`A trigger on ${table} swallowed what was pulled`);
  }
}

/** A tombstone came into being after nothing was found. */
class DeletedMeanwhile extends Error {
  override readonly name = 'DeletedMeanwhile';
  readonly code = '40001';
  constructor(table: string) {
    super(`A row of ${table} was made and deleted while it was to be pulled`);
  }
}

/** Tells the triggers that what follows in this transaction comes from the sync and needs no look of its own. */
async function writeAsSync(sql: Sql): Promise<void> {
  await sql.query(often(`select set_config('counterpart.writer', 'sync', true)`));
}

/** @returns the row as it stands then: triggers of the product may have given the values a form of their own */
async function writePulled(
  sql: Sql,
  catalog: Catalog,
  statement: string,
  values: readonly FieldValue[],
): Promise<LiveRecord> {
  await writeAsSync(sql);
  const returning = `returning version, ${columns(catalog).join(', ')}`;
  const { rows } = await sql.query<Row>(often(`${statement} ${returning}`), values);
  if (rows[0] === undefined) throw new SwallowedWrite(catalog.table);
  return live(catalog, rows[0]);
}

/**
 * @returns as `writePulled`
 * @throws with code 40001, so that the transaction runs again, when the record was made and deleted since it was looked for:
 * the INSERT would be its restore, and nobody has asked for that
 */
export async function insertPulled(
  sql: Sql,
  catalog: Catalog,
  id: RecordId,
  values: Fields,
): Promise<LiveRecord> {
  const names = columns(catalog);
  const places = names.map((_, i) => `$${i + 2}`);
  const row = await writePulled(
    sql,
    catalog,
    `insert into counterpart.${catalog.table} (id, ${names.join(', ')}) values ($1, ${places.join(', ')})`,
    [id, ...names.map((name) => values[name] ?? null)],
  );
  if (row.version !== 1) throw new DeletedMeanwhile(catalog.table);
  return row;
}

/** Writes only the given fields. @returns as `writePulled` */
export function updatePulled(sql: Sql, catalog: Catalog, id: RecordId, values: Fields): Promise<LiveRecord> {
  const sets = Object.keys(values).map((name, i) => `${name} = $${i + 2}`);
  return writePulled(
    sql,
    catalog,
    `update counterpart.${catalog.table} set ${sets.join(', ')} where id = $1`,
    [id, ...Object.values(values)],
  );
}

export async function deletePulled(sql: Sql, catalog: Catalog, id: RecordId): Promise<void> {
  await writeAsSync(sql);
  await sql.query(`delete from counterpart.${catalog.table} where id = $1`, [id]);
}

/** Creates, edits and pulls that set the recognised field to the same value take turns. Taken before any row lock. */
export async function lockRecognised(sql: Sql, catalog: Catalog, value: FieldValue): Promise<void> {
  await sql.query(
    `select pg_advisory_xact_lock(hashtextextended($1 || ':' || counterpart.canonical_${catalog.recognisedBy}($2), 0))`,
    [catalog.name, value],
  );
}

/**
 * Live records with this value in the catalog's recognised field, two at most.
 * `free`: at the connection it has no object, and nothing was sent or is about to be sent that may have made one: an object born
 * there may be linked to it. A mere reservation gives way (`adoption.makeWay`).
 */
export async function findRecognised(
  sql: Sql,
  catalog: Catalog,
  connection: ConnectionName,
  value: FieldValue,
): Promise<Array<{ recordId: RecordId; free: boolean }>> {
  const canonical = `counterpart.canonical_${catalog.recognisedBy}`;
  const { rows } = await sql.query<{ id: string; free: boolean }>(
    `select c.id, not exists (select from counterpart.links l
       where l.catalog = $1 and l.record_id = c.id and l.connection = $2
         and (l.state <> 'reserved' or l.remote_id is not null or ${MAY_HAVE_MADE})) as free
     from counterpart.${catalog.table} c where ${sameForm(canonical, `c.${catalog.recognisedBy}`, '$3')} limit 2`,
    [catalog.name, connection, value],
  );
  return rows.map((row) => ({ recordId: trusted(parseRecordId(row.id), 'record id'), free: row.free }));
}

/**
 * Whether the record may have stood here before the two sides met: it is older than the end of the first sweep that read
 * everything at the connection, or none has.
 */
export async function stoodBeforeMeeting(
  sql: Sql,
  catalog: Catalog,
  connection: ConnectionName,
  id: RecordId,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `select from counterpart.${catalog.table} c where id = $2
       and not exists (select from counterpart.sweeps s
         where s.connection = $1 and s.ending = 'done' and s.ended_at < c.created_at)`,
    [connection, id],
  );
  return rowCount === 1;
}
