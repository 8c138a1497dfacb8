/** `counterpart.enqueue` of the migration: the one way into the work queue. */
import type { Call, Waiting } from './call';
import type { QueueRow } from './schema';
import { tell } from './told';
import { upsert } from './writing';

/** A record rings at most every so often. */
const RINGS_EVERY_MS = 250;
/** What one statement queues beyond this is a bulk. */
const BULK_ROWS = 100;

/** `counterpart.enqueue`: a function, so it sees what was committed until it is called. */
export function enqueue(
  call: Call,
  catalog: string,
  ids: readonly string[],
  hint: string,
  asBulk = false,
): Waiting<void> {
  return call.nested(function* work(inner) {
    const distinct = [...new Set(ids)].toSorted();
    const bulk = asBulk || hint === 'sweep' || hint === 'recovered' || ids.length > BULK_ROWS;
    const recovers = inner.tables.connections.some(inner, (row) => row.recovering_since !== null);
    const marks = { bulk, recovered: hint === 'recovered' || recovers };
    for (const record_id of distinct) yield* queue(inner, { catalog, record_id }, hint, marks);
    if (hint !== 'local' && hint !== 'webhook' && hint !== 'poll')
      for (const record_id of distinct) tell(inner, { catalog, record_id, kind: 'hint', detail: { hint } });
    inner.tx.notifies = true;
  });
}

function* queue(
  call: Call,
  record: { catalog: string; record_id: string },
  hint: string,
  marks: { bulk: boolean; recovered: boolean },
): Waiting<void> {
  const at = call.clock();
  const { work_seq } = call.memory;
  const fresh = {
    catalog: record.catalog,
    record_id: record.record_id,
    seq: work_seq.next(),
    hint,
    hinted_at: at,
    last_hint_at: at,
    due_at: at,
    signalled_at: null,
    rings: 0,
    restless: 0,
    waiting_on: [],
    bulk: marks.bulk,
    recovered: marks.recovered,
  };
  yield* upsert<QueueRow>(
    call,
    call.tables.queue,
    { index: null, mode: 'no key update' },
    fresh,
    (before, excluded) => ({
      ...before,
      seq: work_seq.next(),
      hint: excluded.hint,
      last_hint_at: excluded.last_hint_at,
      due_at: Math.min(
        Math.max(
          excluded.due_at,
          before.signalled_at === null ? -Infinity : before.signalled_at + RINGS_EVERY_MS,
        ),
        excluded.due_at + RINGS_EVERY_MS,
      ),
      rings: 0,
      restless: 0,
      waiting_on: [],
      bulk: before.bulk && excluded.bulk,
      recovered: before.recovered || excluded.recovered,
    }),
  );
}
