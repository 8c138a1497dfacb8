/** The history, sorted by record: who wrote which value, who deleted, who restored. */
import { canonical } from './history';
import type { FieldName, Operation } from './history';
import type { Seen, TimelineRow } from './seen';

export interface RecordHistory {
  readonly recordId: string;
  readonly remoteIds: ReadonlySet<string>;
  /** Creations and edits that may have taken place. */
  readonly writes: readonly Operation[];
  readonly deletes: readonly Operation[];
  readonly restores: readonly Operation[];
  readonly timeline: readonly TimelineRow[];
}

function grouped<T>(list: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}

/** A creation whose id was never told is found by its name, which nobody else was given at birth. */
function recordOf(seen: Seen): (operation: Operation) => string | null {
  const byRemote = new Map(
    seen.links.flatMap((link) => (link.remote_id === null ? [] : [[link.remote_id, link.record_id]])),
  );
  const bornHere = new Map<string, string>();
  for (const row of seen.timeline) {
    const name =
      row.kind === 'change' && row.detail['does'] === 'create' ? row.changes['name']?.[1] : undefined;
    if (typeof name === 'string') bornHere.set(name, row.record_id);
  }
  const bornThere = new Map<string, string>();
  for (const event of seen.events) {
    const { name, id } = event.data.object;
    if (event.type === 'customer.created' && name !== null) bornThere.set(name, id);
  }
  return ({ recordId, remoteId, side, kind, values }) => {
    if (recordId !== null) return recordId;
    if (remoteId !== null) return byRemote.get(remoteId) ?? null;
    if (kind !== 'create' || typeof values.name !== 'string') return null;
    if (side === 'here') return bornHere.get(values.name) ?? null;
    const born = bornThere.get(values.name);
    return (born === undefined ? undefined : byRemote.get(born)) ?? bornHere.get(values.name) ?? null;
  };
}

export function histories(seen: Seen): Map<string, RecordHistory> {
  const find = recordOf(seen);
  const happened = seen.history.filter(({ result }) => result !== 'failed');
  const byRecord = grouped(happened, (operation) => find(operation) ?? '');
  const links = grouped(seen.links, (link) => link.record_id);
  const timelines = grouped(seen.timeline, (row) => row.record_id);
  const ids = new Set([...seen.customers, ...seen.tombstones].map(({ id }) => id).concat(...links.keys()));
  return new Map(
    [...ids].map((recordId) => {
      const own = byRecord.get(recordId) ?? [];
      const remoteIds = (links.get(recordId) ?? []).flatMap((link) =>
        link.remote_id === null ? [] : [link.remote_id],
      );
      return [
        recordId,
        {
          recordId,
          remoteIds: new Set(remoteIds),
          writes: own.filter(({ kind }) => kind === 'create' || kind === 'edit'),
          deletes: own.filter(({ kind }) => kind === 'delete'),
          restores: own.filter(({ kind }) => kind === 'restore'),
          timeline: timelines.get(recordId) ?? [],
        },
      ];
    }),
  );
}

/** The value an operation wrote to a field, in its canonical form; undefined when it did not touch it. */
export function written(operation: Operation, field: FieldName): string | null | undefined {
  if (field in operation.values) return canonical(field, operation.values[field]);
  return operation.kind === 'create' ? null : undefined;
}
