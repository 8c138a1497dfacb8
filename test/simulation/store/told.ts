/** The triggers that write the timeline: `tell_link`, `tell_intent`, `tell_conflict` of the migration. */
import type { Call } from './call';
import type { ConflictRow, IntentRow, LinkRow, TimelineRow } from './schema';
import { append } from './writing';

type Changes = Record<string, readonly [unknown, unknown]>;

/** As jsonb compares: the order of names says nothing. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every(
    (name) => name in b && same((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
  );
}

/** Partial: what is not told is null, or empty. */
type Entry = Pick<TimelineRow, 'catalog' | 'record_id' | 'kind'> & Partial<TimelineRow>;

/** What is told about a link. */
interface OfLink {
  readonly kind: string;
  readonly request_id?: string | null;
  readonly version?: number | null;
  readonly changes?: Changes;
  readonly detail?: Record<string, unknown>;
}

export function tell(call: Call, entry: Entry): void {
  append(call, call.tables.timeline, {
    seq: call.memory.timeline_seq.next(),
    at: Math.round(call.clock()),
    catalog: entry.catalog,
    record_id: entry.record_id,
    kind: entry.kind,
    connection: entry.connection ?? null,
    link_id: entry.link_id ?? null,
    run_id: entry.run_id ?? null,
    request_id: entry.request_id ?? null,
    version: entry.version ?? null,
    changes: entry.changes ?? {},
    detail: entry.detail ?? {},
  });
}

function linkView(link: LinkRow): Record<string, unknown> {
  const view: Record<string, unknown> = {
    state: link.state,
    remote_id: link.remote_id,
    generation: link.generation,
    outcome: link.outcome,
    reason: link.reason,
    agreed_version: link.agreed_version,
    detached: link.detached,
    remote_deleted: link.remote_deleted_at !== null,
    possible_duplicate: link.possible_duplicate,
  };
  for (const field of Object.keys(link.base)) view[`base.${field}`] = link.base[field];
  return view;
}

/** `counterpart.compared`: a name that is missing differs from one that is null, and both read null. */
export function compared(before: Record<string, unknown>, after: Record<string, unknown>): Changes {
  const changes: Changes = {};
  const names = Object.keys(before);
  for (const name of Object.keys(after)) if (!(name in before)) names.push(name);
  for (const name of names) {
    const old = before[name];
    const now = after[name];
    if (!same(old, now)) changes[name] = [old ?? null, now ?? null];
  }
  return changes;
}

const SHOWN = [
  'state',
  'remote_id',
  'generation',
  'outcome',
  'reason',
  'agreed_version',
  'detached',
] as const;

/** `compared` of both views; nearly every change leaves most of a link as it is. */
function changesOf(before: LinkRow, after: LinkRow): Changes {
  const changes: Changes = {};
  const note = (name: string, old: unknown, now: unknown): void => {
    if (!same(old, now)) changes[name] = [old ?? null, now ?? null];
  };
  for (const name of SHOWN) if (before[name] !== after[name]) note(name, before[name], after[name]);
  note('remote_deleted', before.remote_deleted_at !== null, after.remote_deleted_at !== null);
  note('possible_duplicate', before.possible_duplicate, after.possible_duplicate);
  if (before.base === after.base) return changes;
  for (const field of Object.keys(before.base)) note(`base.${field}`, before.base[field], after.base[field]);
  for (const field of Object.keys(after.base))
    if (!(field in before.base)) note(`base.${field}`, undefined, after.base[field]);
  return changes;
}

const isEmpty = (changes: Changes): boolean => Object.keys(changes).length === 0;

/** All names in one order: of entries that are spread each place makes a kind of its own (Form). */
function tellOfLink(
  call: Call,
  link: LinkRow,
  { kind, request_id = null, version = null, changes, detail }: OfLink,
): void {
  tell(call, {
    catalog: link.catalog,
    record_id: link.record_id,
    kind,
    connection: link.connection,
    link_id: link.id,
    run_id: link.run_id,
    request_id,
    version,
    changes: changes ?? {},
    detail: detail ?? {},
  });
}

export function tellLinkMade(call: Call, link: LinkRow): void {
  call.atEnd(() => tellOfLink(call, link, { kind: 'link', changes: compared({}, linkView(link)) }));
}

export function tellLinkGone(call: Call, link: LinkRow): void {
  call.atEnd(() => tellOfLink(call, link, { kind: 'link', changes: compared(linkView(link), {}) }));
}

export function tellLinkChanged(call: Call, before: LinkRow, after: LinkRow): void {
  call.atEnd(() => {
    const moved = before.record_id !== after.record_id;
    const decided = !same(before.decision, after.decision);
    if (moved) {
      const changes = compared(linkView(before), {});
      tellOfLink(call, before, { kind: 'link', changes, detail: { moved_to: after.record_id } });
    }
    const changes = moved ? compared({}, linkView(after)) : changesOf(before, after);
    if (!decided && isEmpty(changes)) return;
    tellOfLink(call, after, {
      kind: decided ? 'decision' : 'link',
      request_id: decided ? (after.decision?.requestId ?? null) : null,
      changes,
      detail: decided
        ? { what: after.decision?.what ?? null }
        : moved
          ? { moved_from: before.record_id }
          : {},
    });
  });
}

function tellOfIntent(call: Call, intent: IntentRow, kind: string, told: Record<string, unknown>): void {
  call.atEnd(() => {
    const inner = call.fresh();
    const link = inner.tables.links.read(inner, intent.link_id);
    if (link === null) throw new Error(`The link ${intent.link_id} of an intent is not there`);
    tellOfLink(inner, link, {
      kind,
      request_id: intent.request_id,
      version: intent.version,
      detail: { key: intent.key, does: intent.kind, ...told },
    });
  });
}

export function tellIntentMade(call: Call, intent: IntentRow): void {
  // jsonb orders names by length first
  const fields = Object.keys(intent.values ?? {}).toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));
  tellOfIntent(call, intent, 'intent', { fields: fields.length === 0 ? null : fields });
}

export function tellIntentChanged(call: Call, before: IntentRow, after: IntentRow): void {
  if (before.ended_at !== after.ended_at) tellOfIntent(call, after, 'answer', { ending: after.ending });
  else if (after.sends > before.sends) tellOfIntent(call, after, 'call', { sends: after.sends });
}

export function tellConflict(call: Call, before: ConflictRow | null, after: ConflictRow): void {
  if (before !== null && before.resolved_at === after.resolved_at) return;
  const byLook = after.cause !== 'overwritten_unseen' && after.resolution === null;
  call.atEnd(() => {
    const inner = call.fresh();
    tell(inner, {
      catalog: after.catalog,
      record_id: after.record_id,
      kind: before === null ? 'lost' : 'resolved',
      connection: after.connection,
      link_id: after.link_id,
      run_id: byLook ? (inner.tables.links.read(inner, after.link_id)?.run_id ?? null) : null,
      detail: {
        conflict: after.id,
        field: after.field,
        winner: after.winner,
        cause: after.cause,
        resolution: after.resolution,
      },
    });
  });
}
