import type { Check, Entry, RecordSeen } from './evidence';
import { FIELDS } from './sameness';

type State = Map<string, unknown>;

const text = (value: unknown): string => JSON.stringify(value ?? null);

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Alike as JSON, whatever the order of the names; nothing is like null. */
function same(a: unknown, b: unknown): boolean {
  if (a === b || (a ?? null) === (b ?? null)) return true;
  if (!isPlain(a) || !isPlain(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => name in b && same(a[name], b[name]));
}

function apply(state: State, { seq, changes }: Entry, told: string[]): void {
  for (const [name, [before, after]] of Object.entries(changes)) {
    if (!same(state.get(name) ?? null, before))
      told.push(`entry ${seq}: ${name} was ${text(state.get(name) ?? null)} before, not ${text(before)}`);
    state.set(name, after);
  }
}

const STANDS: Readonly<Record<string, string>> = {
  create: 'here',
  restore: 'here',
  edit: 'here',
  delete: 'deleted',
};

interface Replayed {
  readonly fields: State;
  readonly links: Map<number, State>;
  readonly open: Set<string>;
  stands: string;
  version: number;
}

function replayed(record: RecordSeen, told: string[]): Replayed {
  const come: Replayed = {
    fields: new Map(),
    links: new Map(),
    open: new Set(),
    stands: 'never',
    version: 0,
  };
  for (const entry of record.entries) {
    const { kind, linkId, detail } = entry;
    if (kind === 'change') {
      apply(come.fields, entry, told);
      if (entry.version !== come.version + 1)
        told.push(`entry ${entry.seq}: version ${entry.version} comes after ${come.version}`);
      come.version = entry.version ?? 0;
      come.stands = STANDS[String(detail['does'])] ?? 'nowhere';
    } else if ((kind === 'link' || kind === 'decision') && linkId !== null) {
      const state: State = come.links.get(linkId) ?? new Map<string, unknown>();
      apply(state, entry, told);
      come.links.set(linkId, state);
      if (state.has('state') && state.get('state') === null) come.links.delete(linkId);
    } else if (kind === 'intent') come.open.add(String(detail['key']));
    else if (kind === 'answer') come.open.delete(String(detail['key']));
  }
  return come;
}

function compareLink(link: RecordSeen['links'][number], state: State | undefined, told: string[]): void {
  if (state === undefined) return void told.push(`nothing is told of link ${link.id}`);
  const shown: Record<string, unknown> = {
    state: link.state,
    remote_id: link.remoteId,
    generation: link.generation,
    outcome: link.outcome,
    reason: link.reason,
    detached: link.detached,
  };
  for (const [field, pair] of Object.entries(link.base)) shown[`base.${field}`] = pair;
  for (const [name, value] of Object.entries(shown)) {
    if (!same(state.get(name) ?? null, value))
      told.push(`link ${link.id}: ${name} is ${text(value)}, told as ${text(state.get(name) ?? null)}`);
  }
  for (const [name, value] of state) {
    if (name.startsWith('base.') && value !== null && !(name in shown))
      told.push(`link ${link.id}: ${name} is told as ${text(value)} and is not there`);
  }
}

/** I18: the timeline of a record, replayed from its beginning, comes to its present state, without a gap. */
export const i18Timeline: Check = (evidence) =>
  [...evidence.records.values()].flatMap((record) => {
    const told: string[] = [];
    const { fields, links, open, stands, version } = replayed(record, told);
    const standsNow = record.row !== null ? 'here' : record.tombstone !== null ? 'deleted' : 'never';
    if (stands !== standsNow) told.push(`it is told as ${stands}, and is ${standsNow}`);
    if (record.version !== null && record.version !== version)
      told.push(`its version is ${record.version}, told as ${version}`);
    const now = record.row ?? record.tombstone ?? {};
    for (const field of FIELDS) {
      if (!same(fields.get(field) ?? null, now[field] ?? null))
        told.push(`${field} is ${text(now[field] ?? null)}, told as ${text(fields.get(field) ?? null)}`);
    }
    for (const link of record.links) compareLink(link, links.get(link.id), told);
    for (const id of links.keys())
      if (!record.links.some((link) => link.id === id)) told.push(`link ${id} is told, and is not there`);
    const openNow = record.links.flatMap((link) =>
      [...evidence.intents.values()].filter(({ linkId, ending }) => linkId === link.id && ending === null),
    );
    for (const { key } of openNow) if (!open.has(key)) told.push(`the open intent ${key} is not told of`);
    for (const key of open)
      if (!openNow.some((intent) => intent.key === key))
        told.push(`the intent ${key} is told as open, and is not`);
    return told.map((one) => `record ${record.id}: ${one}`);
  });
