/**
 * I18: tells a record's present state from its timeline alone, and compares it with what stands. Every entry's `before` must
 * be what the entries until then came to, so a write that the timeline did not hear of shows as a gap.
 */
import type { RecordId } from '../core/ids';
import type { Sql } from './database';
import type { TimelineEntry } from './timeline';
import { readTimeline } from './timeline';

type State = Map<string, unknown>;

export interface Replayed {
  readonly record: {
    readonly stands: 'never' | 'here' | 'deleted';
    readonly version: number | null;
    readonly fields: object;
  };
  /** By link id, what each link shows. */
  readonly links: Readonly<Record<string, object>>;
  /** Keys of intents without an end. */
  readonly open: readonly string[];
  readonly gaps: readonly string[];
}

const ENTRIES_MAX = 100_000;

function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** @param whole whether the timeline is there from its beginning; else the oldest `before` is believed */
function apply(state: State, { seq, changes }: TimelineEntry, whole: boolean, gaps: string[]): void {
  for (const [name, [before, after]] of Object.entries(changes)) {
    const known = state.has(name) || whole;
    if (known && !same(state.get(name) ?? null, before))
      gaps.push(`${seq}: ${name} was something else before`);
    state.set(name, after);
  }
}

const STANDS = { create: 'here', restore: 'here', edit: 'here', delete: 'deleted' } as const;

/** @param entries oldest first */
export function replay(entries: readonly TimelineEntry[], whole = true): Replayed {
  const gaps: string[] = [];
  const fields: State = new Map();
  const links = new Map<number, State>();
  const open = new Set<string>();
  let stands: Replayed['record']['stands'] = 'never';
  let version: number | null = null;
  for (const entry of entries) {
    const { kind, linkId, detail } = entry;
    if (kind === 'change') {
      apply(fields, entry, whole, gaps);
      const expected: number | null = version === null ? (whole ? 1 : entry.version) : version + 1;
      if (entry.version !== expected) gaps.push(`${entry.seq}: version ${entry.version}, not ${expected}`);
      version = entry.version;
      stands = STANDS[detail['does'] as keyof typeof STANDS];
    } else if (kind === 'link' || kind === 'decision') {
      const state = links.get(linkId!) ?? new Map<string, unknown>();
      apply(state, entry, whole, gaps);
      links.set(linkId!, state);
      if (state.has('state') && state.get('state') === null) links.delete(linkId!);
    } else if (kind === 'intent') open.add(String(detail['key']));
    else if (kind === 'answer') open.delete(String(detail['key']));
  }
  return {
    record: { stands, version, fields: Object.fromEntries(fields) },
    links: Object.fromEntries(
      [...links].map(([id, state]) => [
        id,
        // a field that left the base reads like one that was never in it
        Object.fromEntries(
          [...state].filter(([name, value]) => !(name.startsWith('base.') && value === null)),
        ),
      ]),
    ),
    open: [...open].toSorted(),
    gaps,
  };
}

/** What stands now, in the form in which `replay` tells it. Written without the functions that write the timeline. */
export async function present(sql: Sql, id: RecordId): Promise<Omit<Replayed, 'gaps'>> {
  const here = await sql.query<{ version: number; name: string | null; email: string | null }>(
    'select version, name, email from counterpart.customers where id = $1',
    [id],
  );
  const gone = await sql.query<{ version: number; fields: object }>(
    `select version, fields from counterpart.tombstones where catalog = 'customer' and record_id = $1`,
    [id],
  );
  const links = await sql.query<
    Record<string, unknown> & { id: number; base: object; remote_deleted_at: unknown }
  >(
    `select id, state, remote_id, generation, outcome, reason, agreed_version, detached, remote_deleted_at,
       possible_duplicate, base from counterpart.links where catalog = 'customer' and record_id = $1`,
    [id],
  );
  const open = await sql.query<{ key: string }>(
    `select i.key from counterpart.intents i join counterpart.links l on l.id = i.link_id
     where l.record_id = $1 and i.ended_at is null order by i.key`,
    [id],
  );
  const [row] = here.rows;
  const [tombstone] = gone.rows;
  const stands = row !== undefined ? 'here' : tombstone !== undefined ? 'deleted' : 'never';
  return {
    record: {
      stands,
      version: row?.version ?? tombstone?.version ?? null,
      fields: row === undefined ? (tombstone?.fields ?? {}) : { name: row.name, email: row.email },
    },
    links: Object.fromEntries(
      links.rows.map(({ id: linkId, base, remote_deleted_at: deleted, ...view }) => {
        const pairs = Object.entries(base).map(([field, pair]) => [`base.${field}`, pair]);
        return [linkId, { ...view, remote_deleted: deleted !== null, ...Object.fromEntries(pairs) }];
      }),
    ),
    open: open.rows.map(({ key }) => key).toSorted(),
  };
}

/** The whole timeline of a record, oldest first. */
export async function timelineOf(sql: Sql, id: RecordId): Promise<TimelineEntry[]> {
  return (await readTimeline(sql, id, { limit: ENTRIES_MAX, before: null })).toReversed();
}

/**
 * I18, for every record that something happened to since the entry `after`, and for those of which nothing is told.
 * @returns the newest entry's number
 */
export async function expectReplayed(sql: Sql, after = 0): Promise<number> {
  const { rows } = await sql.query<{ id: RecordId }>(
    `select record_id as id from counterpart.timeline where seq > $1
     union (select id from counterpart.customers union select record_id from counterpart.tombstones
       union select record_id from counterpart.links except select record_id from counterpart.timeline)`,
    [after],
  );
  for (const { id } of rows) {
    expect(replay(await timelineOf(sql, id))).toEqual({ ...(await present(sql, id)), gaps: [] });
  }
  const newest = await sql.query<{ seq: number }>(
    'select coalesce(max(seq), 0) as seq from counterpart.timeline',
  );
  return newest.rows[0]!.seq;
}
