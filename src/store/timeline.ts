/** What happened to each record. Triggers write it (migrations); here it is read, and told whose decision a change was. */
import type { RecordId } from '../core/ids';
import type { Sql } from './database';

export const TIMELINE_KINDS = [
  'change',
  'event',
  'hint',
  'look',
  'decision',
  'intent',
  'call',
  'answer',
  'link',
  'lost',
  'resolved',
] as const;
export type TimelineKind = (typeof TIMELINE_KINDS)[number];

export interface TimelineEntry {
  /** Greater than those of everything that happened to this side of the record before. */
  readonly seq: number;
  readonly at: Date;
  readonly kind: TimelineKind;
  /** Where it was about a link. On a change: where it was pulled from, null for one made here. */
  readonly connection: string | null;
  readonly linkId: number | null;
  /** The workflow run whose look this belongs to. */
  readonly runId: string | null;
  /** The system's id of the request, where one was answered. */
  readonly requestId: string | null;
  /** The record's after a change, and the one an intent sends. */
  readonly version: number | null;
  /** Before and after, by name: the record's fields on a change, else what the link shows. May hold personal values. */
  readonly changes: Readonly<Record<string, readonly [before: unknown, after: unknown]>>;
  /** Ids, names and codes only. */
  readonly detail: Readonly<Record<string, unknown>>;
}

interface Row {
  seq: number;
  at: Date;
  kind: TimelineKind;
  connection: string | null;
  link_id: number | null;
  run_id: string | null;
  request_id: string | null;
  version: number | null;
  changes: TimelineEntry['changes'];
  detail: TimelineEntry['detail'];
}

/** Newest first. @param before only what is older than this number; null begins with the newest */
export async function readTimeline(
  sql: Sql,
  recordId: RecordId,
  { limit, before }: { limit: number; before: number | null },
): Promise<TimelineEntry[]> {
  const { rows } = await sql.query<Row>(
    `select seq, at, kind, connection, link_id, run_id, request_id, version, changes, detail from counterpart.timeline
     where catalog = 'customer' and record_id = $1 and seq < coalesce($2::bigint, 9223372036854775807)
     order by seq desc limit $3`,
    [recordId, before, limit],
  );
  return rows.map(({ link_id: linkId, run_id: runId, request_id: requestId, ...row }) => ({
    ...row,
    linkId,
    runId,
    requestId,
  }));
}

/** Whether anything is known of this id: a record, its tombstone, or an id that was only reserved for an object. */
export async function isKnown(sql: Sql, recordId: RecordId): Promise<boolean> {
  const { rows } = await sql.query<{ known: boolean }>(
    `select exists (select from counterpart.customers where id = $1)
       or exists (select from counterpart.tombstones where catalog = 'customer' and record_id = $1)
       or exists (select from counterpart.links where catalog = 'customer' and record_id = $1) as known`,
    [recordId],
  );
  return rows[0]?.known ?? false;
}

/** The change that made this version, in this very transaction, was an operator's decision and not the product's edit. */
export async function noteOperator(sql: Sql, recordId: RecordId, version: number): Promise<void> {
  await sql.query(
    `update counterpart.timeline set detail = detail || '{"by":"operator"}'
     where catalog = 'customer' and record_id = $1 and kind = 'change' and version = $2`,
    [recordId, version],
  );
}
