/**
 * How a sweep takes objects in that no event told of: a record id is reserved for each. After a restored backup an object may
 * bear our mark for a record of which our books say too little: then it is tied to that record instead.
 */
import type { Catalog } from '../catalogs/catalog';
import type { ConnectionName, RecordId, RemoteId } from '../core/ids';
import { parseRecordId, parseRemoteId, trusted } from '../core/ids';
import type { Sql } from './database';

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
 * Ties an object to the record its mark names, if our books hold nothing against it: no tombstone, and at this connection no
 * link, or one that still waits for its object. The create that made it is not in the books, or not its answer: what is open
 * of it is given up, so that no second object is made.
 * @returns null when the books do hold something against it: then it is an object like any other
 */
export async function adopt(
  sql: Sql,
  at: { connection: ConnectionName; catalog: Catalog },
  object: { remoteId: RemoteId; recordId: RecordId },
): Promise<TakenIn | null> {
  const { connection, catalog } = at;
  const { rows } = await sql.query<{ tombstone: boolean; linked: boolean }>(
    `select exists (select from counterpart.tombstones where catalog = $2 and record_id = $3) as tombstone,
       exists (select from counterpart.links where connection = $1 and catalog = $2 and record_id = $3
         and not (state = 'reserved' and remote_id is null)) as linked`,
    [connection, catalog.name, object.recordId],
  );
  if (rows[0]!.tombstone || rows[0]!.linked) return null;
  await sql.query(
    `insert into counterpart.links (connection, catalog, record_id, generation, state, born)
     select $1, $2, $3, 1, 'reserved',
       case when exists (select from counterpart.${catalog.table} where id = $3) then 'local' else 'remote' end
     on conflict do nothing`,
    [connection, catalog.name, object.recordId],
  );
  const adopted = await sql.query<TakenRow>(
    `update counterpart.links set remote_id = $4, outcome = 'pending', reason = null, run_id = null
     where connection = $1 and catalog = $2 and record_id = $3 and state = 'reserved' and remote_id is null
     returning id, record_id, remote_id`,
    [connection, catalog.name, object.recordId, object.remoteId],
  );
  const [link] = adopted.rows;
  if (link === undefined) return null;
  await sql.query(
    `update counterpart.intents set ended_at = now(), ending = 'superseded', values = null
     where link_id = $1 and ended_at is null`,
    [link.id],
  );
  return taken(link);
}
