/** The drift reports: what sweeps found that no hint had told of. Names only, never values. */
import type { CatalogName, RecordId, RemoteId } from '../core/ids';
import { parseRecordId, trusted } from '../core/ids';
import type { Sql } from './database';

/** `here`: our side had moved; `there`: the other one. */
export type FindingSide = 'here' | 'there';
export const FINDING_KINDS = [
  'created',
  'edited',
  'deleted',
  'missing',
  'vanished',
  'adopted',
  'standing',
  'unfinished',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

export interface Finding {
  readonly recordId: RecordId;
  readonly linkId: number | null;
  readonly remoteId: RemoteId | null;
  readonly side: FindingSide;
  readonly kind: FindingKind;
  /** Which fields differ, where that is known. */
  readonly fields: readonly string[];
}

export async function noteFindings(
  sql: Sql,
  sweepId: string,
  catalog: CatalogName,
  findings: readonly Finding[],
): Promise<void> {
  await sql.query(
    `insert into counterpart.sweep_findings (sweep_id, catalog, record_id, link_id, remote_id, side, kind, fields)
     select $1, $2, record_id, link_id, remote_id, side, kind,
       coalesce((select array_agg(f) from jsonb_array_elements_text(fields) as f), '{}')
     from jsonb_to_recordset($3::jsonb) as t (record_id uuid, link_id bigint, remote_id text, side text, kind text, fields jsonb)
     on conflict do nothing`,
    [
      sweepId,
      catalog,
      JSON.stringify(
        findings.map((finding) => ({
          record_id: finding.recordId,
          link_id: finding.linkId,
          remote_id: finding.remoteId,
          side: finding.side,
          kind: finding.kind,
          fields: finding.fields,
        })),
      ),
    ],
  );
}

/** What became of a finding: its look is due, a person must act, or both sides are equal again. */
export const FINDING_STATES = ['waiting', 'parked', 'healed'] as const;
export type FindingState = (typeof FINDING_STATES)[number];

/**
 * Told from queue and link together, as a record's own state is; a hint that is still owed is a look that is due. A link may have moved to another record since, and a record
 * that had none has one by now.
 */
const STATES = `from counterpart.sweep_findings f
  join counterpart.sweeps w on w.id = f.sweep_id
  left join lateral (select x.record_id, x.outcome from counterpart.links x
    where x.id = f.link_id or (f.link_id is null and x.connection = w.connection and x.catalog = f.catalog
      and x.record_id = f.record_id) order by x.generation desc limit 1) as l on true
  left join counterpart.work_queue q on q.catalog = f.catalog and q.record_id = coalesce(l.record_id, f.record_id)
  cross join lateral (select case when q.record_id is not null or exists (select from counterpart.owed_hints o
      where o.catalog = f.catalog and o.record_id in (f.record_id, l.record_id)) then 'waiting'
    when l.outcome = 'parked' then 'parked' else 'healed' end as state) as s
  where f.sweep_id = $1`;

export interface FindingCount {
  readonly side: FindingSide;
  readonly kind: FindingKind;
  readonly state: FindingState;
  readonly records: number;
}

export async function countFindings(sql: Sql, sweepId: string): Promise<FindingCount[]> {
  const { rows } = await sql.query<FindingCount>(
    `select f.side, f.kind, s.state, count(*) as records ${STATES} group by 1, 2, 3 order by 1, 2, 3`,
    [sweepId],
  );
  return rows;
}

export interface ReportedFinding extends Omit<Finding, 'linkId' | 'remoteId'> {
  readonly catalog: string;
  readonly remoteId: string | null;
  readonly state: FindingState;
  readonly foundAt: Date;
}

/** What is not healed first. */
export async function listFindings(sql: Sql, sweepId: string, limit: number): Promise<ReportedFinding[]> {
  const { rows } = await sql.query<{
    catalog: string;
    record_id: string;
    remote_id: string | null;
    side: FindingSide;
    kind: FindingKind;
    fields: string[];
    state: FindingState;
    found_at: Date;
  }>(
    `select f.catalog, coalesce(l.record_id, f.record_id) as record_id, f.remote_id, f.side, f.kind, f.fields, s.state,
       f.found_at ${STATES} order by s.state = 'healed', f.id limit $2`,
    [sweepId, limit],
  );
  return rows.map((row) => ({
    catalog: row.catalog,
    recordId: trusted(parseRecordId(row.record_id), 'record id'),
    remoteId: row.remote_id,
    side: row.side,
    kind: row.kind,
    fields: row.fields,
    state: row.state,
    foundAt: row.found_at,
  }));
}
