/** All that stands in the end, on both sides, as rows: what the oracle holds the history against. */
import type { Pool } from 'pg';
import { TIMELINE_KEPT_ENTRIES } from '../../src/store/housekeeping';
import type { Customer, Dashboard, Event } from './dashboard';
import type { Operation } from './history';
import type { Noted } from './requests';

export type Row = Readonly<Record<string, unknown>>;

export interface LinkRow {
  readonly id: string;
  readonly record_id: string;
  readonly generation: number;
  readonly remote_id: string | null;
  readonly state: 'reserved' | 'linked' | 'deleting' | 'retired' | 'void';
  readonly outcome: string;
  readonly reason: { readonly code?: string; readonly field?: string | null } | null;
  readonly base: Readonly<Record<string, { readonly ours?: unknown; readonly theirs?: unknown }>>;
}

export interface TimelineRow {
  readonly seq: number;
  readonly record_id: string;
  readonly at: Date;
  readonly kind: string;
  readonly connection: string | null;
  readonly changes: Readonly<Record<string, readonly [unknown, unknown]>>;
  readonly detail: Row;
}

export interface LostRow {
  readonly record_id: string;
  readonly field: string;
  readonly ours: unknown;
  readonly theirs: unknown;
  readonly cause: string;
}

export interface LocalRow {
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly version: number;
}

export interface Seen {
  readonly installation: string;
  readonly customers: readonly LocalRow[];
  /** Deleted records, with the fields a restore would bring back. */
  readonly tombstones: readonly LocalRow[];
  readonly links: readonly LinkRow[];
  readonly lost: readonly LostRow[];
  readonly queue: readonly Row[];
  readonly openIntents: readonly Row[];
  readonly connections: readonly Row[];
  readonly timeline: readonly TimelineRow[];
  readonly storedEvents: ReadonlySet<string>;
  /** Live objects there. */
  readonly remotes: readonly Customer[];
  readonly events: readonly Event[];
  readonly requests: readonly Noted[];
  readonly history: readonly Operation[];
}

/** Records whose timeline is as long as one is kept: what came before its first entry may have been removed. */
export function shortened({ timeline }: Pick<Seen, 'timeline'>): ReadonlySet<string> {
  const entries = new Map<string, number>();
  for (const { record_id: id } of timeline) entries.set(id, (entries.get(id) ?? 0) + 1);
  return new Set([...entries].flatMap(([id, count]) => (count >= TIMELINE_KEPT_ENTRIES ? [id] : [])));
}

export async function look(
  pool: Pool,
  dashboard: Dashboard,
  history: readonly Operation[],
  requests: readonly Noted[],
): Promise<Seen> {
  const rows = async <T extends Row>(text: string): Promise<T[]> => (await pool.query<T>(text)).rows;
  const [
    customers,
    tombstones,
    links,
    lost,
    queue,
    openIntents,
    connections,
    timeline,
    stored,
    installation,
  ] = await Promise.all([
    rows<Row>('select id, name, email, version from counterpart.customers'),
    rows<Row>(
      `select record_id as id, fields ->> 'name' as name, fields ->> 'email' as email, version from counterpart.tombstones`,
    ),
    rows<Row>(
      'select id, record_id, generation, remote_id, state, outcome, reason, base from counterpart.links order by id',
    ),
    rows<Row>('select record_id, field, ours, theirs, cause from counterpart.conflicts'),
    rows<Row>('select * from counterpart.work_queue'),
    rows<Row>('select key, link_id, kind, sends from counterpart.intents where ended_at is null'),
    rows<Row>('select name, paused_at, pause_code, down_since from counterpart.connections'),
    rows<Row>(
      'select seq, record_id, at, kind, connection, changes, detail from counterpart.timeline order by seq',
    ),
    rows<{ id: string }>('select id from counterpart.events'),
    rows<{ id: string }>('select id from counterpart.installation'),
  ]);
  const [remotes, events] = await Promise.all([dashboard.customers(), dashboard.events()]);
  return {
    installation: installation[0]?.id ?? '',
    customers: customers as unknown as LocalRow[],
    tombstones: tombstones as unknown as LocalRow[],
    links: links as unknown as LinkRow[],
    lost: lost as unknown as LostRow[],
    queue,
    openIntents,
    connections,
    timeline: timeline as unknown as TimelineRow[],
    storedEvents: new Set(stored.map(({ id }) => id)),
    remotes,
    events,
    requests,
    history,
  };
}

/** Rows of the inbox, by what was made of them. */
export async function eventsByResult(pool: Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ result: string; n: string }>(
    'select result, count(*) as n from counterpart.events group by result',
  );
  return Object.fromEntries(rows.map(({ result, n }) => [result, Number(n)]));
}
