/** `counterpart.enqueue_passing` and `counterpart.place_owed` of the migration. */
import type { Call, Waiting } from './call';
import { enqueue } from './enqueue';
import { key } from './schema';
import type { OwedRow } from './schema';
import type { Transaction } from './transaction';
import { holdFree, insert, remove } from './writing';

/** How long it waits for all of them together; after that those that are held are passed by. */
const TOGETHER_MS = 50;
const OWED_ROWS = 1_000;

/** Who holds the record's queue row, or is about to make one. */
function inTheWay(call: Call, catalog: string, id: string): Transaction[] {
  const slot = call.tables.queue.slots.get(key(catalog, id));
  if (slot === undefined) return [];
  if (slot.writer !== null && slot.writer !== call.tx) return [slot.writer];
  return slot.holders(call.tx, 'no key update');
}

/** @returns the records that were queued */
export function* enqueuePassing(
  call: Call,
  catalog: string,
  ids: readonly string[],
  hint: string,
): Waiting<readonly string[]> {
  for (;;) {
    const first = ids.map((id) => inTheWay(call, catalog, id)).find((holders) => holders.length > 0);
    if (first === undefined) {
      yield* enqueue(call, catalog, ids, hint);
      return ids;
    }
    if ((yield { for: first, timeout_ms: TOGETHER_MS }) === 'timeout') break;
  }
  const queued: string[] = [];
  for (const id of ids.toSorted()) {
    if (inTheWay(call, catalog, id).length === 0) {
      yield* enqueue(call, catalog, [id], hint, ids.length > 100);
      queued.push(id);
    } else yield* owe(call, { catalog, record_id: id, hint });
  }
  return queued;
}

function* owe(call: Call, hint: Pick<OwedRow, 'catalog' | 'record_id' | 'hint'>): Waiting<void> {
  yield* insert<OwedRow>(call.fresh(), call.tables.owed, { ...hint, owed_since: call.now }, 'nothing');
}

export function* placeOwed(call: Call): Waiting<void> {
  const taken = new Map<string, OwedRow[]>();
  const owed = [...call.tables.owed.slots.values()].filter((slot) => slot.seen(call) !== null);
  owed.sort((a, b) => a.seen(call)!.owed_since - b.seen(call)!.owed_since);
  for (const slot of owed.slice(0, OWED_ROWS)) {
    const row = holdFree(call, slot, 'update');
    if (row === null) continue;
    remove(call, slot);
    const group = key(row.catalog, row.hint);
    taken.set(group, [...(taken.get(group) ?? []), row]);
  }
  for (const [first, ...rest] of taken.values()) {
    if (first === undefined) continue;
    const ids = [first, ...rest].map((row) => row.record_id);
    yield* enqueuePassing(call, first.catalog, ids, first.hint);
  }
}
