/** The inbox: every event heard, once per id, without any personal value. */
import type { CatalogName, ConnectionName, RecordId, RemoteId } from '../core/ids';
import type { Sql } from './database';
import { often } from './prepared';
import type { Hint } from './workQueue';

/** What the door made of an event; `set_aside`: it could not be taken in, however often it was tried. */
export type EventResult = 'queued' | 'echo' | 'ignored' | 'retired' | 'void' | 'set_aside';

export interface HeardEvent {
  readonly connection: ConnectionName;
  readonly id: string;
  readonly type: string;
  readonly catalog: CatalogName | null;
  readonly remoteId: RemoteId | null;
  readonly recordId: RecordId | null;
  /** Unix seconds, as the system says. */
  readonly createdAt: number;
  readonly source: 'webhook' | 'poll';
  readonly result: EventResult;
}

/**
 * Stores an event, tells the timeline of its record and, with `hint`, queues it: one statement, so that either all or nothing
 * stands.
 * @returns false when the event id was stored before; then nothing is queued either
 */
export async function storeEvent(sql: Sql, event: HeardEvent, hint: Hint | null): Promise<boolean> {
  const { rows } = await sql.query(
    often(`with stored as (
       insert into counterpart.events (connection, id, type, catalog, remote_id, record_id, created_at, source, result)
       values ($1, $2, $3, $4, $5, $6, to_timestamp($7), $8, $9) on conflict do nothing returning *),
     told as (
       insert into counterpart.timeline (catalog, record_id, kind, connection, detail)
       select catalog, record_id, 'event', connection,
         jsonb_build_object('event', id, 'type', type, 'result', result, 'source', source, 'remote_id', remote_id)
       from stored where record_id is not null)
     select case when $10::text is not null then counterpart.enqueue(catalog, array[record_id], $10) end from stored`),
    [
      event.connection,
      event.id,
      event.type,
      event.catalog,
      event.remoteId,
      event.recordId,
      event.createdAt,
      event.source,
      event.result,
      hint,
    ],
  );
  return rows.length === 1;
}

/** Which of these event ids are stored. */
export async function knownEvents(
  sql: Sql,
  connection: ConnectionName,
  ids: readonly string[],
): Promise<Set<string>> {
  const { rows } = await sql.query<{ id: string }>(
    'select id from counterpart.events where connection = $1 and id = any($2)',
    [connection, ids],
  );
  return new Set(rows.map((row) => row.id));
}
