/** Values that lost, as a person reads them and takes them after all. Recorded by `conflicts.ts`. */
import { parseRecordId, trusted } from '../core/ids';
import type { FieldValue } from '../core/fields';
import type { RecordId } from '../core/ids';
import type { LostValue } from '../core/merge';
import type { Sql } from './database';

export interface KeptValue extends LostValue {
  readonly id: string;
  readonly recordId: RecordId;
  readonly linkId: number;
  readonly connection: string;
  readonly createdAt: Date;
  readonly resolvedAt: Date | null;
  /** Whose value a person took; null while nobody did, and when the two sides became alike by themselves. */
  readonly resolution: 'local' | 'remote' | null;
}

interface Row {
  id: string;
  record_id: string;
  link_id: number;
  connection: string;
  field: string;
  ours: FieldValue;
  theirs: FieldValue;
  winner: LostValue['winner'];
  cause: LostValue['cause'];
  created_at: Date;
  resolved_at: Date | null;
  resolution: KeptValue['resolution'];
}

const COLUMNS =
  'id, record_id, link_id, connection, field, ours, theirs, winner, cause, created_at, resolved_at, resolution';

/** A record that loses more values than this has a ping-pong, and the newest tell its story. */
export const LISTED_MAX = 500;

function keptValue(row: Row): KeptValue {
  return {
    id: row.id,
    recordId: trusted(parseRecordId(row.record_id), 'record id'),
    linkId: row.link_id,
    connection: row.connection,
    field: row.field,
    ours: row.ours,
    theirs: row.theirs,
    winner: row.winner,
    cause: row.cause,
    createdAt: row.created_at,
    resolvedAt: row.resolved_at,
    resolution: row.resolution,
  };
}

/** Newest first, `LISTED_MAX` at most. */
export async function listLost(sql: Sql, recordId: RecordId): Promise<KeptValue[]> {
  const { rows } = await sql.query<Row>(
    `select ${COLUMNS} from counterpart.conflicts where catalog = 'customer' and record_id = $1
     order by created_at desc, id desc limit ${LISTED_MAX}`,
    [recordId],
  );
  return rows.map(keptValue);
}

async function find(
  sql: Sql,
  recordId: RecordId,
  id: string,
  locking: '' | 'for update',
): Promise<KeptValue | null> {
  const { rows } = await sql.query<Row>(
    `select ${COLUMNS} from counterpart.conflicts
     where catalog = 'customer' and record_id = $1 and id = $2 ${locking}`,
    [recordId, id],
  );
  return rows[0] === undefined ? null : keptValue(rows[0]);
}

export function findLost(sql: Sql, recordId: RecordId, id: string): Promise<KeptValue | null> {
  return find(sql, recordId, id, '');
}

/**
 * Holds the value and its link until the transaction ends; the record is locked before, as looks do it. So no look
 * decides about this field meanwhile.
 */
export async function lockLost(sql: Sql, lost: KeptValue): Promise<KeptValue | null> {
  await sql.query('select from counterpart.links where id = $1 for update', [lost.linkId]);
  return find(sql, lost.recordId, lost.id, 'for update');
}

/**
 * Our value wins a question: their value counts as seen, for this field, so the next look pushes ours. The pair is
 * (theirs, theirs) and not (old ours, theirs), or an edit back to the old value before that look would read as "nothing
 * changed here" (`mergeFields` does the same for the policy `local`).
 */
export async function countAsSeen(sql: Sql, lost: KeptValue): Promise<void> {
  await sql.query(
    `update counterpart.links set base = base || jsonb_build_object($2::text, jsonb_build_object('ours', $3::jsonb, 'theirs', $3::jsonb)),
       run_id = null
     where id = $1`,
    [lost.linkId, lost.field, JSON.stringify(lost.theirs)],
  );
}

export async function resolve(sql: Sql, lost: KeptValue, resolution: 'local' | 'remote'): Promise<KeptValue> {
  const { rows } = await sql.query<Row>(
    `update counterpart.conflicts set resolved_at = now(), resolution = $2 where id = $1 returning ${COLUMNS}`,
    [lost.id, resolution],
  );
  return keptValue(rows[0]!);
}
