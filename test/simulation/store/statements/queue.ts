/** The work queue, as src/store/workQueue.ts asks for it. */
import { enqueue } from '../enqueue';
import { enqueuePassing, placeOwed } from '../passing';
import type { Call, Result, Waiting } from '../call';
import { changed, result } from '../call';
import { key } from '../schema';
import type { QueueRow } from '../schema';
import type { Slot } from '../table';
import { change, holdFree, holdSeen, remove, update } from '../writing';
import { known } from './known';
import type { Known } from './known';

const byDue = (a: QueueRow, b: QueueRow): number => a.due_at - b.due_at;

export function slotOf(call: Call, row: Pick<QueueRow, 'catalog' | 'record_id'>): Slot<QueueRow> | undefined {
  return call.tables.queue.slots.get(key(row.catalog, row.record_id));
}

/** Rows in this order that nobody holds, held from now on; `limit` at most. FOR UPDATE SKIP LOCKED. */
export function chooseFree(call: Call, rows: readonly QueueRow[], limit: number): QueueRow[] {
  const chosen: QueueRow[] = [];
  for (const row of rows) {
    if (chosen.length >= limit) break;
    const slot = slotOf(call, row);
    const held = slot === undefined ? null : holdFree(call, slot, 'update');
    if (held !== null) chosen.push(held);
  }
  return chosen;
}

/** UPDATE of rows that are held. */
export function* changeHeld(
  call: Call,
  rows: readonly QueueRow[],
  by: (row: QueueRow) => QueueRow,
): Waiting<QueueRow[]> {
  const written: QueueRow[] = [];
  for (const row of rows) written.push(yield* update(call, slotOf(call, row)!, row, by(row)));
  return written;
}

/** UPDATE of one row by its key. */
function* changeOne(
  call: Call,
  record: { catalog: string; record_id: string },
  where: (row: QueueRow) => boolean,
  by: (row: QueueRow) => QueueRow,
): Waiting<number> {
  const slot = slotOf(call, record);
  const written = slot === undefined ? null : yield* change(call, slot, 'no key update', where, by);
  return written === null ? 0 : 1;
}

type Limits = [rows: number, inFlight: number, ms: number, maxMs: number, bulk: number];

function* claimDue(call: Call, [rows, inFlight, ms, maxMs, bulkMax]: Limits): Waiting<Result> {
  let rung = 0;
  let rungBulk = 0;
  const live: QueueRow[] = [];
  const bulk: QueueRow[] = [];
  for (const row of call.tables.queue.rows(call)) {
    if (row.due_at <= call.began) (row.bulk ? bulk : live).push(row);
    else if (row.rings === 1 && (row.waiting_on.length === 0 || row.bulk)) {
      rung += 1;
      if (row.bulk) rungBulk += 1;
    }
  }
  const chosen = chooseFree(call, live.toSorted(byDue), Math.max(0, Math.min(rows, inFlight - rung)));
  const left = Math.min(
    inFlight - rung - chosen.length,
    Math.min(Math.trunc(inFlight / 2), bulkMax) - rungBulk,
  );
  const places = Math.min(rows - chosen.length, Math.max(1 - rungBulk, left));
  chosen.push(...chooseFree(call, bulk.toSorted(byDue), Math.max(0, places)));
  const now = call.clock();
  const claimed = yield* changeHeld(call, chosen, (row) => ({
    ...row,
    signalled_at: now,
    rings: row.rings + 1,
    due_at: now + Math.min(ms * 2 ** Math.min(row.rings, 20), maxMs),
  }));
  if (claimed.length > 0) call.tx.unflushed = true;
  return result(claimed);
}

function* unclaim(
  call: Call,
  [catalogs, ids, delayMs]: [readonly string[], readonly string[], number],
): Waiting<Result> {
  let changedRows = 0;
  for (const [i, record_id] of ids.entries())
    changedRows += yield* changeOne(
      call,
      { catalog: catalogs[i]!, record_id },
      () => true,
      (row) => ({ ...row, due_at: call.clock() + delayMs, rings: Math.max(row.rings - 1, 0) }),
    );
  return changed(changedRows);
}

function msUntilDue(call: Call): Result {
  let first: number | null = null;
  for (const { due_at } of call.tables.queue.rows(call)) first = Math.min(first ?? due_at, due_at);
  return result([{ ms: first === null ? null : Math.ceil(first - call.clock()) }]);
}

function* acknowledge(call: Call, [catalog, record_id, seq]: [string, string, number]): Waiting<Result> {
  const slot = slotOf(call, { catalog, record_id });
  const row = slot && (yield* holdSeen(call, slot, 'update', (seen) => seen.seq === seq));
  if (!row) return result([]);
  remove(call, slot);
  call.tx.unflushed = true;
  return result([{ age_ms: call.clock() - row.hinted_at }]);
}

type Postponed = [string, string, number, ms: number, on: readonly string[], putAway: boolean];

function* postpone(call: Call, [catalog, record_id, seq, ms, on, putAway]: Postponed): Waiting<Result> {
  return changed(
    yield* changeOne(
      call,
      { catalog, record_id },
      (row) => row.seq === seq,
      (row) => ({
        ...row,
        due_at: call.clock() + ms,
        waiting_on: on,
        rings: 0,
        bulk: row.bulk || putAway,
      }),
    ),
  );
}

function* holdFor(
  call: Call,
  [catalog, ids, on, ms]: [string, readonly string[], string, number],
): Waiting<Result> {
  let held = 0;
  for (const record_id of new Set(ids))
    held += yield* changeOne(
      call,
      { catalog, record_id },
      (row) => row.rings === 0 && row.waiting_on.length === 0 && row.bulk,
      (row) => ({ ...row, waiting_on: [on], due_at: call.clock() + ms }),
    );
  return changed(held);
}

const RELEASED_ROWS = 10_000;

function* releaseWaiting(call: Call, [connection]: [string]): Waiting<Result> {
  const waiting = call.tables.queue.filter(call, (row) => row.waiting_on.includes(connection));
  const released = yield* changeHeld(call, chooseFree(call, waiting, RELEASED_ROWS), (row) => ({
    ...row,
    due_at: call.clock(),
    waiting_on: [],
    bulk: true,
  }));
  return changed(released.length);
}

const hintOf = ({ seq, hint, bulk, recovered }: QueueRow) => ({ seq, hint, bulk, recovered });

export const QUEUE: readonly Known[] = [
  known(
    'select counterpart.enqueue($1, $2::uuid[], $3)',
    function* add(call, [catalog, ids, hint]: [string, readonly string[], string]) {
      yield* enqueue(call, catalog, ids, hint);
      return result([{}]);
    },
  ),
  known(
    'select unnest(counterpart.enqueue_passing($1, $2::uuid[], $3)) as id',
    function* pass(call, [catalog, ids, hint]: [string, readonly string[], string]) {
      const queued = yield* enqueuePassing(call, catalog, ids, hint);
      return result(queued.map((id) => ({ id })));
    },
  ),
  known('select counterpart.place_owed()', function* place(call) {
    yield* placeOwed(call);
    return result([{}]);
  }),
  known('with rung as (select count(*) as n', claimDue),
  known('as failed (catalog, record_id)', unclaim),
  known('select ceil(extract(epoch from least((select min(due_at)', msUntilDue),
  known("where bulk and waiting_on = '{}' limit $1", (call, [most]: [number]) => {
    const n = call.tables.queue.count(call, (row) => row.bulk && row.waiting_on.length === 0);
    return result([{ n: Math.min(n, most) }]);
  }),
  known('select seq, hint, bulk, recovered from counterpart.work_queue', (call, values: [string, string]) => {
    const row = call.tables.queue.read(call, key(...values));
    return result(row === null ? [] : [hintOf(row)]);
  }),
  known(
    'record_id = $2 and seq = $3 for share',
    function* holdHint(call, [catalog, record_id, seq]: [string, string, number]) {
      const slot = slotOf(call, { catalog, record_id });
      const held = slot && (yield* holdSeen(call, slot, 'share', (row) => row.seq === seq));
      return result(held ? [{}] : []);
    },
  ),
  known('delete from counterpart.work_queue where catalog = $1', acknowledge),
  known('set restless = restless + 1', function* restless(call, values: [string, string, number]) {
    const [catalog, record_id, seq] = values;
    const slot = slotOf(call, { catalog, record_id });
    if (slot === undefined) return result([]);
    const isMeant = (row: QueueRow): boolean => row.seq === seq;
    const more = (row: QueueRow): QueueRow => ({ ...row, restless: row.restless + 1 });
    const written = yield* change(call, slot, 'no key update', isMeant, more);
    return result(written === null ? [] : [written.after]);
  }),
  known('set hinted_at = last_hint_at', function* newer(call, [catalog, record_id]: [string, string]) {
    const rows = yield* changeOne(
      call,
      { catalog, record_id },
      () => true,
      (row) => ({ ...row, hinted_at: row.last_hint_at }),
    );
    if (rows > 0) call.tx.unflushed = true;
    return changed(rows);
  }),
  known('bulk = bulk or $6', postpone),
  known('set waiting_on = array[$3]', holdFor),
  known("set due_at = clock_timestamp(), waiting_on = '{}', bulk = true", releaseWaiting),
  known("select pg_notify('counterpart_work', '')", (call) => {
    call.tx.notifies = true;
    return result([{}]);
  }),
];
