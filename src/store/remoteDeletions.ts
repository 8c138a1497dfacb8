/** What is heard about a deletion in the other system, outside of any look, and what it does to the link. */
import type { Reason } from '../core/reason';
import type { Sql } from './database';

/**
 * Remembers the system's own word that the object was deleted (a verified event). A detached object that is gone cannot
 * be taken up again; a link that has ended is parked only because its object stood there all the same (`standsAgain`).
 */
export async function proveRemoteDeletion(sql: Sql, linkId: number): Promise<void> {
  await sql.query(
    `update counterpart.links set remote_deleted_at = coalesce(remote_deleted_at, now()),
       detached = detached and state = 'linked', run_id = null,
       outcome = case state when 'retired' then 'deleted' else outcome end,
       reason = case state when 'retired' then null else reason end,
       reason_since = case state when 'retired' then null else reason_since end
     where id = $1`,
    [linkId],
  );
}

/**
 * The object of a link that has ended as deleted was read, and stands there. Nothing is revived: the link counts as cut off, so
 * that a restore takes the object up again, and a person is told.
 * @returns false when it does not count as deleted any more
 */
export async function standsAgain(sql: Sql, linkId: number, reason: Reason): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update counterpart.links set detached = true, remote_deleted_at = null, run_id = null, outcome = 'parked',
       reason = $2, reason_since = now()
     where id = $1 and state = 'retired' and not detached`,
    [linkId, JSON.stringify(reason)],
  );
  return rowCount === 1;
}

/**
 * A restore is the later word than a deletion there that nobody had heard of (`counterpart.queue_inserted`). This is one that
 * came after it, told before a look took up the restore: it counts as any other.
 * @param toldAt when the system says that the object was deleted, Unix seconds, rounded down
 * @returns whether it was so
 */
export async function deletedAfterRestore(sql: Sql, linkId: number, toldAt: number): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update counterpart.links l set state = 'linked' where id = $1 and state = 'deleting'
       and not exists (select from counterpart.intents i where i.link_id = l.id and i.kind = 'delete' and i.ended_at is null)
       and (select max(t.at) from counterpart.timeline t where t.catalog = l.catalog and t.record_id = l.record_id
         and t.kind = 'change' and t.detail ->> 'does' = 'restore') < to_timestamp($2)`,
    [linkId, toldAt],
  );
  return rowCount === 1;
}
