/** The id map. Every write of a look is fenced: it names the attempt that may write, and a stalled older one matches nothing. */
import { parseCatalogName, parseConnectionName, parseRecordId, parseRemoteId, trusted } from '../core/ids';
import type { Base } from '../core/fields';
import type { CatalogName, ConnectionName, RecordId, RemoteId } from '../core/ids';
import type { FieldSwings } from '../core/pingPong';
import { standstillOf } from './connections';
import type { Standstill } from './connections';
import { UNFLUSHED } from './database';
import type { Sql } from './database';
import type { Refused } from './intents';
import { often } from './prepared';

export { markUnfinished, writeFenced } from './fencedWrites';
export { deletedAfterRestore, proveRemoteDeletion, standsAgain } from './remoteDeletions';
export type { LinkPatch } from './fencedWrites';

export type LinkState = 'reserved' | 'linked' | 'deleting' | 'retired' | 'void';
export type Outcome = 'pending' | 'in_sync' | 'waiting' | 'parked' | 'paused' | 'deleted';

export interface Link {
  readonly id: number;
  readonly connection: ConnectionName;
  readonly catalog: CatalogName;
  readonly recordId: RecordId;
  readonly generation: number;
  readonly remoteId: RemoteId | null;
  readonly state: LinkState;
  readonly born: 'local' | 'remote';
  readonly base: Base;
  readonly swings: FieldSwings;
  readonly refused: Refused | null;
  /** When this was read, Unix seconds by Postgres's clock. */
  readonly readAt_s: number;
  readonly lookId: number;
  readonly fence: number;
  readonly remoteDeleted: boolean;
  readonly detached: boolean;
  readonly outcome: Outcome;
  /** Why nothing may be read or sent for the link now. */
  readonly standstill: Standstill | null;
}

interface LinkRow {
  id: number;
  connection: string;
  catalog: string;
  record_id: string;
  generation: number;
  remote_id: string | null;
  state: LinkState;
  born: 'local' | 'remote';
  base: Base;
  swings: FieldSwings;
  refused: Refused | null;
  read_at_s: number;
  look_id: number;
  fence: number;
  remote_deleted: boolean;
  detached: boolean;
  outcome: Outcome;
  paused: boolean;
  down: boolean;
}

const COLUMNS = `id, connection, catalog, record_id, generation, remote_id, state, born, base, swings, refused, look_id, fence,
  floor(extract(epoch from now()))::bigint as read_at_s,
  remote_deleted_at is not null as remote_deleted, detached, outcome,
  exists (select from counterpart.connections c where c.name = links.connection
    and (c.paused_at is not null or c.recovering_since is not null)) as paused,
  exists (select from counterpart.connections c where c.name = links.connection and c.down_since is not null) as down`;

function link(row: LinkRow): Link {
  return {
    id: row.id,
    connection: trusted(parseConnectionName(row.connection), 'connection name'),
    catalog: trusted(parseCatalogName(row.catalog), 'catalog name'),
    recordId: trusted(parseRecordId(row.record_id), 'record id'),
    generation: row.generation,
    remoteId: row.remote_id === null ? null : trusted(parseRemoteId(row.remote_id), 'remote id'),
    state: row.state,
    born: row.born,
    base: row.base,
    swings: row.swings,
    refused: row.refused,
    readAt_s: row.read_at_s,
    lookId: row.look_id,
    fence: row.fence,
    remoteDeleted: row.remote_deleted,
    detached: row.detached,
    outcome: row.outcome,
    standstill: standstillOf(row),
  };
}

/** Each connection's newest link of a record. */
export async function newestOfRecord(sql: Sql, catalog: CatalogName, recordId: RecordId): Promise<Link[]> {
  const { rows } = await sql.query<LinkRow>(
    often(`select distinct on (connection) ${COLUMNS} from counterpart.links
     where catalog = $1 and record_id = $2 order by connection, generation desc`),
    [catalog, recordId],
  );
  return rows.map(link);
}

/** Who looks, and what asked for it: for the timeline. */
export interface LookNote {
  readonly catalog: CatalogName;
  readonly recordId: RecordId;
  /** The workflow run; null where none is. */
  readonly runId: string | null;
  readonly hint: string;
  /** Connections that are paused and left out. */
  readonly paused: readonly ConnectionName[];
}

/**
 * Gives the links to a new look; attempts of earlier looks can take no fence any more. Tells the timeline in the same breath.
 * @returns by link, the name of the look there
 */
export async function beginLook(
  sql: Sql,
  linkIds: readonly number[],
  look: LookNote,
): Promise<ReadonlyMap<number, number>> {
  const { rows } = await sql.query<{ id: number; look_id: number }>(
    often(`with told as (
       insert into counterpart.timeline (catalog, record_id, kind, run_id, detail)
       values ($2, $3, 'look', $4, jsonb_build_object('hint', $5::text, 'paused', $6::text[])))
     update counterpart.links set look_id = counterpart.fresh_number(), fence = counterpart.fresh_number(), run_id = $4
     where id = any($1) and ${UNFLUSHED} returning id, look_id`),
    [linkIds, look.catalog, look.recordId, look.runId, look.hint, look.paused],
  );
  return new Map(rows.map((row) => [row.id, row.look_id]));
}

/** Begins one attempt of a look. @returns the link with its new fence, or null when a newer look has it */
export async function takeFence(sql: Sql, linkId: number, lookId: number): Promise<Link | null> {
  const { rows } = await sql.query<LinkRow>(
    often(`update counterpart.links set fence = counterpart.fresh_number()
     where id = $1 and look_id = $2 and ${UNFLUSHED} returning ${COLUMNS}`),
    [linkId, lookId],
  );
  return rows[0] === undefined ? null : link(rows[0]);
}

/**
 * Holds the link until the transaction ends, and names it to the triggers as the one through which this transaction writes.
 * @returns null when a newer attempt has taken the fence
 */
export async function lockFenced(sql: Sql, linkId: number, fence: number): Promise<Link | null> {
  const { rows } = await sql.query<LinkRow>(
    often(`select ${COLUMNS}, set_config('counterpart.link', id::text, true) from counterpart.links
     where id = $1 and fence = $2 for update`),
    [linkId, fence],
  );
  return rows[0] === undefined ? null : link(rows[0]);
}

/** Reserves a generation for a record that stands here. @returns the live link, also when another look made it first */
export async function reserveForRecord(
  sql: Sql,
  owner: { connection: ConnectionName; catalog: CatalogName; recordId: RecordId },
  generation: number,
): Promise<Link> {
  await sql.query(
    `insert into counterpart.links (connection, catalog, record_id, generation, state, born)
     values ($1, $2, $3, $4, 'reserved', 'local') on conflict do nothing`,
    [owner.connection, owner.catalog, owner.recordId, generation],
  );
  const { rows } = await sql.query<LinkRow>(
    `select ${COLUMNS} from counterpart.links where connection = $1 and catalog = $2 and record_id = $3
       and state in ('reserved', 'linked', 'deleting')`,
    [owner.connection, owner.catalog, owner.recordId],
  );
  return link(rows[0]!);
}

/**
 * Takes up a detached object again: its record was restored. It counts as detached until a look has seen the object,
 * which may have been deleted there meanwhile; the restore then begins a new generation instead of being undone.
 */
export async function reattach(sql: Sql, linkId: number): Promise<void> {
  await sql.query(`update counterpart.links set state = 'linked' where id = $1 and detached`, [linkId]);
}

/**
 * Reserves a record id for an object born in the remote system, before any workflow starts.
 * `deleted`: it is gone already, the id is only remembered.
 */
export async function reserveForRemote(
  sql: Sql,
  born: { connection: ConnectionName; catalog: CatalogName; remoteId: RemoteId; deleted: boolean },
): Promise<Link> {
  await sql.query(
    `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, remote_deleted_at, outcome)
     values ($1, $2, counterpart.uuidv7(), 1, $3, $4, 'remote', case when $5::boolean then now() end, $6) on conflict do nothing`,
    [
      born.connection,
      born.catalog,
      born.remoteId,
      born.deleted ? 'void' : 'reserved',
      born.deleted,
      born.deleted ? 'deleted' : 'pending',
    ],
  );
  const found = await findByRemote(sql, born.connection, born.catalog, born.remoteId);
  if (found === null) throw new Error('A reserved link disappeared in its own transaction');
  return found;
}

export async function findByRemote(
  sql: Sql,
  connection: ConnectionName,
  catalog: CatalogName,
  remoteId: RemoteId,
): Promise<Link | null> {
  const { rows } = await sql.query<LinkRow>(
    often(`select ${COLUMNS} from counterpart.links
     where connection = $1 and catalog = $2 and remote_id = $3`),
    [connection, catalog, remoteId],
  );
  return rows[0] === undefined ? null : link(rows[0]);
}

/** Objects that stood for this record under other generations: its mark is on them still. */
export async function otherRemoteIds(
  sql: Sql,
  than: Pick<Link, 'id' | 'connection' | 'catalog' | 'recordId'>,
): Promise<RemoteId[]> {
  const { rows } = await sql.query<{ remote_id: string }>(
    `select remote_id from counterpart.links
     where connection = $1 and catalog = $2 and record_id = $3 and id <> $4 and remote_id is not null`,
    [than.connection, than.catalog, than.recordId, than.id],
  );
  return rows.map((row) => trusted(parseRemoteId(row.remote_id), 'remote id'));
}

/** Hands a reserved link to the record it was recognised as. Its own id is dropped; who looks at the object under that writes no more. */
export async function moveToRecord(sql: Sql, linkId: number, recordId: RecordId): Promise<void> {
  await sql.query(
    `update counterpart.links set record_id = $2, look_id = counterpart.fresh_number(), fence = counterpart.fresh_number(),
       run_id = null where id = $1`,
    [linkId, recordId],
  );
}

/** Gives a link to a record id of its own. @returns that id */
export async function moveToNewRecord(sql: Sql, linkId: number): Promise<RecordId> {
  const { rows } = await sql.query<{ record_id: string }>(
    'update counterpart.links set record_id = counterpart.uuidv7() where id = $1 returning record_id',
    [linkId],
  );
  return trusted(parseRecordId(rows[0]!.record_id), 'record id');
}

/**
 * Lets go of a reservation whose object belongs to somebody else's create: only while nothing was made of it here.
 * @returns whether there was one
 */
export async function releaseReservation(
  sql: Sql,
  connection: ConnectionName,
  catalog: CatalogName,
  remoteId: RemoteId,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `delete from counterpart.links where connection = $1 and catalog = $2 and remote_id = $3
       and state = 'reserved' and born = 'remote'`,
    [connection, catalog, remoteId],
  );
  return rowCount === 1;
}
