/**
 * How a sweep takes objects in that no event told of: a record id is reserved for each. After a restored backup an object may
 * bear our mark for a record of which our books say too little: then it is tied to that record instead.
 */
import type { Catalog } from '../catalogs/catalog';
import type { ConnectionName, RecordId, RemoteId } from '../core/ids';
import { parseRecordId, parseRemoteId, trusted } from '../core/ids';
import type { Sql } from './database';
import { MAY_HAVE_MADE } from './intents';

export interface TakenIn {
  readonly linkId: number;
  readonly recordId: RecordId;
  readonly remoteId: RemoteId;
}

interface TakenRow {
  id: number;
  record_id: string;
  remote_id: string;
}

function taken(row: TakenRow): TakenIn {
  return {
    linkId: row.id,
    recordId: trusted(parseRecordId(row.record_id), 'record id'),
    remoteId: trusted(parseRemoteId(row.remote_id), 'remote id'),
  };
}

/** Reserves record ids for objects nobody here knew. Those that the door reserved meanwhile are left out: it queued them. */
export async function reserveAll(
  sql: Sql,
  at: { connection: ConnectionName; catalog: Catalog },
  remoteIds: readonly RemoteId[],
): Promise<TakenIn[]> {
  const { rows } = await sql.query<TakenRow>(
    `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born)
     select $1, $2, counterpart.uuidv7(), 1, remote_id, 'reserved', 'remote' from unnest($3::text[]) as remote_id
     on conflict do nothing returning id, record_id, remote_id`,
    [at.connection, at.catalog.name, remoteIds],
  );
  return rows.map(taken);
}

/**
 * The record is to have an object that stands there already. The reservation its own look has made gives way, if nothing was
 * sent for it; a look that holds it finds it gone and writes nothing.
 * @returns whether the record has no link at the connection now
 */
export async function makeWay(
  sql: Sql,
  at: { connection: ConnectionName; catalog: Catalog },
  recordId: RecordId,
): Promise<boolean> {
  const place = [at.connection, at.catalog.name, recordId];
  // held first: what a look that held it has written is seen by the next statement only
  const held = await sql.query(
    'select from counterpart.links where connection = $1 and catalog = $2 and record_id = $3 for update',
    place,
  );
  const gone = await sql.query(
    `delete from counterpart.links l where connection = $1 and catalog = $2 and record_id = $3
       and state = 'reserved' and remote_id is null and generation = 1 and not ${MAY_HAVE_MADE}`,
    place,
  );
  return gone.rowCount === held.rowCount;
}

/** A record's link to an object, as far as an adoption must know it. */
export interface StandingLink {
  readonly linkId: number;
  readonly recordId: RecordId;
  readonly remoteId: RemoteId;
  /** The system's own word was heard already. */
  readonly remoteDeleted: boolean;
}

/** The objects that these records are linked to. */
export async function linkedObjects(
  sql: Sql,
  at: { connection: ConnectionName; catalog: Catalog },
  recordIds: readonly RecordId[],
): Promise<StandingLink[]> {
  const { rows } = await sql.query<TakenRow & { remote_deleted: boolean }>(
    `select id, record_id, remote_id, remote_deleted_at is not null as remote_deleted from counterpart.links
     where connection = $1 and catalog = $2 and record_id = any($3::uuid[]) and state = 'linked'`,
    [at.connection, at.catalog.name, recordIds],
  );
  return rows.map((row) => ({ ...taken(row), remoteDeleted: row.remote_deleted }));
}

/** Nobody who took the link before may write there, or send what was open of it. */
async function takeAway(sql: Sql, linkId: number): Promise<void> {
  await sql.query(
    `update counterpart.links set look_id = counterpart.fresh_number(), fence = counterpart.fresh_number(), run_id = null
     where id = $1`,
    [linkId],
  );
  await sql.query(
    `update counterpart.intents set ended_at = now(), ending = 'superseded', values = null
     where link_id = $1 and ended_at is null`,
    [linkId],
  );
}

/**
 * Ties an object to the record its mark names, if our books hold nothing against it: no tombstone, and at this connection no
 * live link, or one that still waits for its object. What ended before is an earlier generation. The create that made the
 * object is not in the books, or not its answer: what is open of it is given up, so that no second object is made.
 * @returns null when the books do hold something against it: then it is an object like any other
 */
export async function adopt(
  sql: Sql,
  at: { connection: ConnectionName; catalog: Catalog },
  object: { remoteId: RemoteId; recordId: RecordId },
): Promise<TakenIn | null> {
  const { connection, catalog } = at;
  const { rows } = await sql.query<{ refused: boolean }>(
    `select exists (select from counterpart.tombstones where catalog = $2 and record_id = $3)
       or exists (select from counterpart.links where connection = $1 and catalog = $2 and record_id = $3
         and (state in ('linked', 'deleting') or (state = 'reserved' and remote_id is not null))) as refused`,
    [connection, catalog.name, object.recordId],
  );
  if (rows[0]!.refused) return null;
  await sql.query(
    `insert into counterpart.links (connection, catalog, record_id, generation, state, born)
     select $1, $2, $3, coalesce(max(generation), 0) + 1, 'reserved',
       case when exists (select from counterpart.${catalog.table} where id = $3) then 'local' else 'remote' end
     from counterpart.links where connection = $1 and catalog = $2 and record_id = $3
     on conflict do nothing`,
    [connection, catalog.name, object.recordId],
  );
  const adopted = await sql.query<TakenRow>(
    `update counterpart.links set remote_id = $4, outcome = 'pending', reason = null
     where connection = $1 and catalog = $2 and record_id = $3 and state = 'reserved' and remote_id is null
     returning id, record_id, remote_id`,
    [connection, catalog.name, object.recordId, object.remoteId],
  );
  const [link] = adopted.rows;
  if (link === undefined) return null;
  await takeAway(sql, link.id);
  return taken(link);
}

/**
 * The record was deleted and restored after the backup: the object of its link is gone by the system's own word, and a newer
 * one bears its mark. That one takes its place, with what was agreed last, so that the record lives on.
 * @returns null when the link has ended meanwhile
 */
export async function supplant(sql: Sql, gone: StandingLink, remoteId: RemoteId): Promise<TakenIn | null> {
  const ended = await sql.query(
    `update counterpart.links set state = 'retired', remote_deleted_at = coalesce(remote_deleted_at, now()),
       outcome = 'deleted', reason = null, reason_since = null
     where id = $1 and state = 'linked' and not exists (select from counterpart.tombstones t
       where t.catalog = links.catalog and t.record_id = links.record_id)`,
    [gone.linkId],
  );
  if (ended.rowCount !== 1) return null;
  await takeAway(sql, gone.linkId);
  const { rows } = await sql.query<TakenRow>(
    `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, base, look_id, fence)
     select connection, catalog, record_id, generation + 1, $2, 'linked', 'local', base,
       counterpart.fresh_number(), counterpart.fresh_number()
     from counterpart.links where id = $1 returning id, record_id, remote_id`,
    [gone.linkId, remoteId],
  );
  return taken(rows[0]!);
}
