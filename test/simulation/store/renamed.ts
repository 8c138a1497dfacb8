/** Answers of two Postgres made comparable: random ids and numbers get the name of their first appearance. */
import type { Contents } from '../engine/ports';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** Written by the test itself. */
const FIXED = '00000000-0000-7000-8000-';
const NUMBERS: ReadonlySet<string> = new Set(['lookId', 'look_id', 'fence', 'seq']);
/** Ages and waits told as fractions of a millisecond; both clocks agree to the microsecond. */
const MICROS = 1000;

export class Names {
  private readonly names = new Map<string, string>();

  private name(of: string, kind: string): string {
    const known = this.names.get(of);
    if (known !== undefined) return known;
    const name = `${kind}${this.names.size}`;
    this.names.set(of, name);
    return name;
  }

  /** @param blank shows what has no name yet without giving it one */
  of(value: unknown, blank = false, property = ''): unknown {
    if (typeof value === 'string')
      return value.replace(UUID, (id) => (id.startsWith(FIXED) ? id : this.shown(id, 'id', blank)));
    if (typeof value === 'number') {
      if (NUMBERS.has(property) && value > 0) return this.shown(`${value}`, 'number', blank);
      // pg's dates are whole milliseconds
      return property.endsWith('_at') ? Math.trunc(value) : Math.round(value * MICROS) / MICROS;
    }
    if (value instanceof Date) return value.getTime();
    if (value instanceof Map || value instanceof Set) return this.of([...value], blank);
    if (Array.isArray(value)) return value.map((one) => this.of(one, blank));
    if (typeof value !== 'object' || value === null) return value ?? null;
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      entries.map(([name, one]) => [name, this.of(one, blank, name)]).filter(([, one]) => one !== undefined),
    );
  }

  private shown(of: string, kind: string, blank: boolean): string {
    return blank ? (this.names.get(of) ?? kind) : this.name(of, kind);
  }

  /** In an order that does not depend on random ids. */
  sorted(rows: readonly unknown[]): unknown[] {
    return rows
      .map((row) => ({ row, text: JSON.stringify(this.of(row, true)) }))
      .toSorted((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
      .map(({ row }) => this.of(row));
  }
}

interface Told {
  readonly kind: string;
  readonly at: number;
  readonly detail: Record<string, unknown>;
}

/** Each record's in the order of their numbers, which are then left out; between records the order says nothing. */
function timelines(rows: Contents['timeline']): unknown[] {
  const byRecord = new Map<unknown, Told[]>();
  for (const { seq: _, ...row } of rows.toSorted((a, b) => Number(a['seq']) - Number(b['seq']))) {
    const entries = byRecord.get(row['record_id']) ?? [];
    entries.push(row as unknown as Told);
    byRecord.set(row['record_id'], entries);
  }
  return [...byRecord.values()].map(unordered);
}

/** What one statement tells of several rows comes in the order in which they lie in the table. */
function unordered(entries: Told[]): Told[] {
  const alike = (a: Told, b: Told | undefined): boolean => a.kind === b?.kind && a.at === b.at;
  const field = (entry: Told): string => String(entry.detail['field']);
  const sorted = [...entries];
  for (let from = 0; from < sorted.length;) {
    let to = from + 1;
    while (to < sorted.length && alike(sorted[from]!, sorted[to])) to += 1;
    const run = sorted
      .slice(from, to)
      .toSorted((a, b) => (field(a) < field(b) ? -1 : field(a) > field(b) ? 1 : 0));
    sorted.splice(from, run.length, ...run);
    from = to;
  }
  return sorted;
}

/**
 * One statement passes several deletions, each with the time of its own; when it has to wait between two of them, those before
 * and after differ by the order in which Postgres comes to them. What the times do is seen by what the guard answers.
 */
const withoutTime = (row: unknown): unknown => ({ ...(row as Record<string, unknown>), passed_at: null });

export function renamedContents(
  names: Names,
  contents: Contents & Record<string, unknown>,
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const { timeline: told, ...tables } = contents;
  for (const [table, rows] of Object.entries(tables) as Array<[string, readonly unknown[]]>)
    found[table] = names.sorted(table === 'delete_passes' ? rows.map(withoutTime) : rows);
  found['timeline'] = names.sorted(timelines(told));
  return found;
}
