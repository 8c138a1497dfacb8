/** Links that are set aside until a person does something. */
import { parseRecordId, trusted } from '../core/ids';
import type { RecordId } from '../core/ids';
import type { Reason, ReasonCode } from '../core/reason';
import type { Sql } from './database';

/** Over `l` (links): parked, and not to be looked at anew by now; `STATE` counts that as pending or waiting. */
const PARKED = `l.outcome = 'parked' and not exists (select from counterpart.work_queue q
  where q.catalog = l.catalog and q.record_id = l.record_id and (q.waiting_on = '{}' or l.connection = any(q.waiting_on)))`;

/** Parked links by connection and reason. Reads the parked ones only. */
export async function countParked(
  sql: Sql,
): Promise<ReadonlyArray<{ connection: string; code: ReasonCode; links: number }>> {
  const { rows } = await sql.query<{ connection: string; code: ReasonCode; links: number }>(
    `select connection, reason ->> 'code' as code, count(*) as links from counterpart.links l
     where ${PARKED} group by 1, 2 order by 1, 2`,
  );
  return rows;
}

export interface ParkedRecord {
  readonly recordId: RecordId;
  readonly connection: string;
  readonly remoteId: string | null;
  /** False for an object born elsewhere that was parked before it became a record here, and for a deleted record. */
  readonly hasRow: boolean;
  /** Deleted here, which is why it has no row. */
  readonly deleted: boolean;
  readonly reason: Reason & { readonly since: Date | null };
}

/** The links parked last, `limit` at most. */
export async function listParked(sql: Sql, limit: number): Promise<ParkedRecord[]> {
  const { rows } = await sql.query<{
    record_id: string;
    connection: string;
    remote_id: string | null;
    has_row: boolean;
    deleted: boolean;
    reason: Reason;
    reason_since: Date | null;
  }>(
    `select l.record_id, l.connection, l.remote_id, l.reason, l.reason_since,
       exists (select from counterpart.customers c where c.id = l.record_id) as has_row,
       exists (select from counterpart.tombstones t where t.catalog = 'customer' and t.record_id = l.record_id) as deleted
     from counterpart.links l where ${PARKED} and l.reason is not null and l.catalog = 'customer'
     order by l.reason_since desc nulls last, l.id desc limit $1`,
    [limit],
  );
  return rows.map((row) => ({
    recordId: trusted(parseRecordId(row.record_id), 'record id'),
    connection: row.connection,
    remoteId: row.remote_id,
    hasRow: row.has_row,
    deleted: row.deleted,
    reason: { ...row.reason, since: row.reason_since },
  }));
}
