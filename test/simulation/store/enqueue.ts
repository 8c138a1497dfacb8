/** `counterpart.enqueue` of the migration: the one way into the work queue. */
import type { Call, Waiting } from './call';
import type { QueueRow } from './schema';
import { tell } from './told';
import { upsert } from './writing';

/** A record rings at most every so often. */
const RINGS_EVERY_MS = 250;
/** What one statement queues beyond this is a bulk. */
const BULK_ROWS = 100;
/** Of one origin, so many records wait live; what comes one by one beyond that is a bulk. */
const LIVE_ROWS = 32;
/** Of these, so many may be births: records without an agreed link. */
const LIVE_BIRTHS = 16;
/** They are counted among so many that are due first. */
const COUNTED_ROWS = 128;
const ORIGINS = [['local'], ['webhook', 'poll']];

/** `counterpart.count_live` for the origin of this hint. */
function countLive(call: Call, hint: string): number {
  const origin = ORIGINS.find((hints) => hints.includes(hint)) ?? [];
  if (origin.length === 0) return 0;
  return call.tables.queue
    .filter(call, (row) => !row.bulk)
    .toSorted((a, b) => a.due_at - b.due_at)
    .slice(0, COUNTED_ROWS)
    .filter((row) => origin.includes(row.hint) && row.rings <= 1 && row.waiting_on.length === 0).length;
}

/** Whether no link of the record was agreed yet. */
function isBirth(call: Call, catalog: string, id: string): boolean {
  return !call.tables.links.some(
    call,
    (link) => link.catalog === catalog && link.record_id === id && link.state !== 'reserved',
  );
}

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
    const many = asBulk || hint === 'sweep' || hint === 'recovered' || ids.length > BULK_ROWS;
    const live = many ? 0 : countLive(inner, hint);
    const recovers = inner.tables.connections.some(inner, (row) => row.recovering_since !== null);
    const recovered = hint === 'recovered' || recovers;
    for (const record_id of distinct) {
      const bulk = many || live >= LIVE_ROWS || (live >= LIVE_BIRTHS && isBirth(inner, catalog, record_id));
      yield* queue(inner, { catalog, record_id }, hint, { bulk, recovered });
    }
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
      bulk: before.bulk && (excluded.bulk || excluded.hint === 'pull'),
      recovered: before.recovered || excluded.recovered,
    }),
  );
}
