/** What a sweep compares, a bounded batch at a time. Reads only, but for what it has met. */
import type { Catalog } from '../catalogs/catalog';
import type { Base, Fields, FieldValue } from '../core/fields';
import { parseRecordId, parseRemoteId, trusted } from '../core/ids';
import type { CatalogName, ConnectionName, RecordId, RemoteId } from '../core/ids';
import type { ReasonCode } from '../core/reason';
import type { Sql } from './database';
import type { LinkState, Outcome } from './links';

/** A link as far as a sweep must know it. */
export interface SweptLink {
  readonly id: number;
  readonly recordId: RecordId;
  readonly state: LinkState;
  readonly outcome: Outcome;
  readonly reason: { readonly code: ReasonCode; readonly field: string | null } | null;
}

/** A link whose object stands in the other side's list. */
export interface ListedLink extends SweptLink {
  readonly remoteId: RemoteId;
  readonly born: 'local' | 'remote';
  readonly base: Base;
  /** A look is due anyhow, or one has read both sides since the list was read. */
  readonly tended: boolean;
}

interface LinkRow {
  id: number;
  record_id: string;
  state: LinkState;
  outcome: Outcome;
  reason: SweptLink['reason'];
}

function sweptLink(row: LinkRow): SweptLink {
  return {
    id: row.id,
    recordId: trusted(parseRecordId(row.record_id), 'record id'),
    state: row.state,
    outcome: row.outcome,
    reason: row.reason,
  };
}

const QUEUED = (catalog: string, recordId: string): string =>
  `exists (select from counterpart.work_queue q where q.catalog = ${catalog} and q.record_id = ${recordId})`;

/** Now, by Postgres's clock: taken before a list is read, so that a look after it is known to have seen more. */
export async function now(sql: Sql): Promise<string> {
  const { rows } = await sql.query<{ now: string }>('select clock_timestamp()::text as now');
  return rows[0]!.now;
}

/** The links of these objects. */
export async function linksOfObjects(
  sql: Sql,
  at: { connection: ConnectionName; catalog: CatalogName },
  remoteIds: readonly RemoteId[],
  readAt: string,
): Promise<ListedLink[]> {
  type Row = LinkRow & { remote_id: string; born: 'local' | 'remote'; base: Base; tended: boolean };
  const { rows } = await sql.query<Row>(
    `select l.id, l.record_id, l.state, l.outcome, l.reason, l.remote_id, l.born, l.base,
       ${QUEUED('l.catalog', 'l.record_id')} or coalesce(l.last_synced_at >= $4::timestamptz, false) as tended
     from counterpart.links l where l.connection = $1 and l.catalog = $2 and l.remote_id = any($3)`,
    [at.connection, at.catalog, remoteIds, readAt],
  );
  return rows.map((row) => ({
    remoteId: trusted(parseRemoteId(row.remote_id), 'remote id'),
    born: row.born,
    base: row.base,
    tended: row.tended,
    ...sweptLink(row),
  }));
}

/** A link that has ended as deleted, and its object. */
export interface EndedLink {
  readonly id: number;
  readonly recordId: RecordId;
  readonly remoteId: RemoteId;
}

/** Those of these objects that count as deleted, and did so before the list was read. */
export async function endedObjects(
  sql: Sql,
  at: { connection: ConnectionName; catalog: CatalogName },
  remoteIds: readonly RemoteId[],
  readAt: string,
): Promise<EndedLink[]> {
  const { rows } = await sql.query<{ id: number; record_id: string; remote_id: string }>(
    `select l.id, l.record_id, l.remote_id from counterpart.links l
     where l.connection = $1 and l.catalog = $2 and l.remote_id = any($3) and l.state = 'retired' and not l.detached
       and coalesce(l.last_synced_at, l.created_at) < $4::timestamptz order by l.id`,
    [at.connection, at.catalog, remoteIds, readAt],
  );
  return rows.map((row) => ({
    id: row.id,
    recordId: trusted(parseRecordId(row.record_id), 'record id'),
    remoteId: trusted(parseRemoteId(row.remote_id), 'remote id'),
  }));
}

export async function noteSeen(sql: Sql, sweepId: string, linkIds: readonly number[]): Promise<void> {
  await sql.query(
    `insert into counterpart.sweep_seen (sweep_id, link_id) select $1, unnest($2::bigint[]) on conflict do nothing`,
    [sweepId, linkIds],
  );
}

/** A live link, and what stands for it on either side. */
export interface LiveLink extends SweptLink {
  readonly remoteId: RemoteId | null;
  readonly seen: boolean;
  readonly stands: boolean;
  readonly tombstone: boolean;
  /** A look is due anyhow, or one has read both sides since the sweep began. */
  readonly tended: boolean;
  /** This sweep has found something about it already. */
  readonly found: boolean;
}

/** Live links in the order of their ids. */
export async function linksAfter(
  sql: Sql,
  at: { sweepId: string; connection: ConnectionName; catalog: Catalog },
  after: number,
  limit: number,
): Promise<LiveLink[]> {
  type Row = LinkRow & {
    remote_id: string | null;
    seen: boolean;
    stands: boolean;
    tombstone: boolean;
    tended: boolean;
    found: boolean;
  };
  const { rows } = await sql.query<Row>(
    `select l.id, l.record_id, l.state, l.outcome, l.reason, l.remote_id,
       exists (select from counterpart.sweep_seen s where s.sweep_id = $1 and s.link_id = l.id) as seen,
       exists (select from counterpart.${at.catalog.table} c where c.id = l.record_id) as stands,
       exists (select from counterpart.tombstones t where t.catalog = l.catalog and t.record_id = l.record_id) as tombstone,
       ${QUEUED('l.catalog', 'l.record_id')} or coalesce(l.last_synced_at, l.created_at) >= sweep.requested_at as tended,
       exists (select from counterpart.sweep_findings f where f.sweep_id = $1 and f.catalog = l.catalog
         and f.record_id = l.record_id) as found
     from counterpart.sweeps sweep cross join counterpart.links l
     where sweep.id = $1 and l.connection = $2 and l.catalog = $3 and l.id > $4
       and l.state in ('reserved', 'linked', 'deleting')
     order by l.id limit $5`,
    [at.sweepId, at.connection, at.catalog.name, after, limit],
  );
  return rows.map((row) => ({
    remoteId: row.remote_id === null ? null : trusted(parseRemoteId(row.remote_id), 'remote id'),
    seen: row.seen,
    stands: row.stands,
    tombstone: row.tombstone,
    tended: row.tended,
    found: row.found,
    ...sweptLink(row),
  }));
}

/** A record that stands here, with its live link at the connection. */
export interface StandingRecord {
  readonly recordId: RecordId;
  readonly fields: Fields;
  readonly link: (Pick<SweptLink, 'id' | 'outcome'> & { readonly base: Base }) | null;
  /** A look is due anyhow. */
  readonly tended: boolean;
}

/** Records in the order of their ids. */
export async function recordsAfter(
  sql: Sql,
  connection: ConnectionName,
  catalog: Catalog,
  after: RecordId | null,
  limit: number,
): Promise<StandingRecord[]> {
  const names = Object.keys(catalog.fields);
  type Row = {
    record_id: string;
    link_id: number | null;
    base: Base;
    outcome: Outcome;
    tended: boolean;
  } & Record<string, FieldValue>;
  const { rows } = await sql.query<Row>(
    `select c.id as record_id, l.id as link_id, l.base, l.outcome, ${QUEUED('$2', 'c.id')} as tended,
       ${names.map((name, i) => `c.${name} as field_${i}`).join(', ')}
     from (select * from counterpart.${catalog.table} where id > coalesce($3, '00000000-0000-0000-0000-000000000000'::uuid)
       order by id limit $4) as c
     left join counterpart.links l on l.connection = $1 and l.catalog = $2 and l.record_id = c.id
       and l.state in ('reserved', 'linked', 'deleting')
     order by c.id`,
    [connection, catalog.name, after, limit],
  );
  return rows.map((row) => ({
    recordId: trusted(parseRecordId(row.record_id), 'record id'),
    fields: Object.fromEntries(names.map((name, i) => [name, row[`field_${i}`] ?? null])),
    link: row.link_id === null ? null : { id: row.link_id, outcome: row.outcome, base: row.base },
    tended: row.tended,
  }));
}
