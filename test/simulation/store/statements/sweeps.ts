/** Sweeps, what they found and what they compare. */
import type { Call, Result, Waiting } from '../call';
import { changed, result } from '../call';
import type { SweepRow } from '../schema';
import { change, holdSeen, insert, remove } from '../writing';
import { byText, date, known } from './known';
import { among } from './known';
import type { Known } from './known';
import { changeHeld, chooseFree } from './queue';

function columns(row: SweepRow) {
  return {
    ...row,
    waits_since: date(row.waits_since),
    requested_at: date(row.requested_at),
    ended_at: date(row.ended_at),
  };
}

function* open(call: Call, connection: string, cause: string): Waiting<SweepRow | null> {
  return yield* insert<SweepRow>(
    call,
    call.tables.sweeps,
    {
      id: call.memory.uuidv7(),
      connection,
      cause,
      catalog: null,
      phase: 'objects',
      place: null,
      calls: 0,
      objects: 0,
      records: 0,
      found: 0,
      known: 0,
      waits_for: null,
      waits_since: null,
      requested_at: call.now,
      progressed_at: null,
      rung_at: null,
      ended_at: null,
      ending: null,
    },
    'nothing',
  );
}

/** UPDATE of the sweeps that meet the condition. */
function* changeAll(
  call: Call,
  where: (row: SweepRow) => boolean,
  by: (row: SweepRow) => SweepRow,
): Waiting<SweepRow[]> {
  const written: SweepRow[] = [];
  for (const slot of call.tables.sweeps.slots.values()) {
    const row = yield* change(call, slot, 'no key update', where, by);
    if (row !== null) written.push(row.after);
  }
  return written;
}

function* forgetSeen(call: Call, sweepIds: ReadonlySet<string>): Waiting<number> {
  let forgotten = 0;
  for (const slot of call.tables.seen.slots.values()) {
    if ((yield* holdSeen(call, slot, 'update', (row) => sweepIds.has(row.sweep_id))) === null) continue;
    remove(call, slot);
    forgotten += 1;
  }
  return forgotten;
}

function* replace(call: Call, [connection]: [string]): Waiting<Result> {
  // what the second part deletes is what stood when the statement began
  const seen = call.tables.seen.filter(call, () => true);
  const givenUp = yield* changeAll(
    call,
    (row) => row.connection === connection && row.ended_at === null && row.cause !== 'recovered',
    (row) => ({ ...row, ended_at: call.now, ending: 'replaced' }),
  );
  if (seen.length === 0) return changed(0);
  return changed(yield* forgetSeen(call, new Set(givenUp.map(({ id }) => id))));
}

function* requestFirst(call: Call, [connection, hasEvents]: [string, boolean]): Waiting<Result> {
  const { connections, cursors, sweeps } = call.tables;
  const row = connections.read(call, connection);
  const isReady =
    row !== null &&
    row.identified_at !== null &&
    (!hasEvents || row.degraded.includes('events') || cursors.read(call, connection) !== null) &&
    !sweeps.some(call, (sweep) => sweep.connection === connection);
  if (!isReady) return changed(0);
  return changed((yield* open(call, connection, 'first')) === null ? 0 : 1);
}

/** `counterpart.recovered`: each of its statements sees what was committed until it begins. */
function* recovered(call: Call): Waiting<Result> {
  const { work_seq } = call.memory;
  work_seq.set(Math.max(Math.round(call.clock() * 1000), work_seq.next()));
  yield* call.nested(function* mark(inner) {
    for (const slot of inner.tables.connections.slots.values()) {
      yield* change(
        inner,
        slot,
        'no key update',
        () => true,
        (row) => ({ ...row, recovering_since: inner.now }),
      );
    }
  });
  yield* call.nested(function* mark(inner) {
    // a row that an open transaction holds is passed by
    const free = chooseFree(
      inner,
      inner.tables.queue.filter(inner, () => true),
      Infinity,
    );
    yield* changeHeld(inner, free, (row) => ({ ...row, recovered: true }));
  });
  yield* call.nested((inner) =>
    changeAll(
      inner,
      (row) => row.ended_at === null,
      (row) => ({ ...row, ended_at: inner.now, ending: 'replaced' }),
    ),
  );
  yield* call.nested(function* begin(inner) {
    for (const { name } of inner.tables.connections.filter(inner, () => true))
      yield* open(inner, name, 'recovered');
  });
  return result([{}]);
}

type Advance = [
  id: string,
  catalog: string,
  phase: string,
  place: string | null,
  calls: number,
  objects: number,
  records: number,
  found: number,
  fromCatalog: string | null,
  fromPhase: string,
  fromPlace: string | null,
  known: number,
];

function* advance(call: Call, values: Advance): Waiting<Result> {
  const [
    id,
    catalog,
    phase,
    place,
    calls,
    objects,
    records,
    found,
    fromCatalog,
    fromPhase,
    fromPlace,
    newlyKnown,
  ] = values;
  const moved = yield* changeAll(
    call,
    (row) =>
      row.id === id &&
      row.ended_at === null &&
      row.catalog === fromCatalog &&
      row.phase === fromPhase &&
      row.place === fromPlace,
    (row) => ({
      ...row,
      catalog,
      phase,
      place,
      calls: row.calls + calls,
      objects: row.objects + objects,
      records: row.records + records,
      found: row.found + found,
      known: row.known + newlyKnown,
      waits_for: null,
      waits_since: null,
      progressed_at: call.now,
    }),
  );
  return changed(moved.length);
}

function* claimUnrung(call: Call, [connections, idle_ms]: [readonly string[], number]): Waiting<Result> {
  const isAsked = among(connections);
  const claimed = yield* changeAll(
    call,
    (row) =>
      row.ended_at === null &&
      isAsked(row.connection) &&
      (row.rung_at === null || Math.max(row.rung_at, row.progressed_at ?? -Infinity) < call.now - idle_ms),
    (row) => ({ ...row, rung_at: call.now }),
  );
  return result(claimed);
}

const all = (call: Call, where: (row: SweepRow) => boolean): Result =>
  result(call.tables.sweeps.filter(call, where).map(columns));

export const SWEEPS: readonly Known[] = [
  known(
    'insert into counterpart.sweeps (connection, cause) values',
    function* request(call, [connection, cause]: [string, string]) {
      const row = yield* open(call, connection, cause);
      return result(row === null ? [] : [columns(row)]);
    },
  ),
  known('with given_up as (update counterpart.sweeps', replace),
  known("select name, 'first' from counterpart.connections c", requestFirst),
  known('select from counterpart.sweeps where connection = $1 limit 1', (call, [connection]: [string]) =>
    result(call.tables.sweeps.some(call, (row) => row.connection === connection) ? [{}] : []),
  ),
  known(
    /from counterpart\.sweeps where connection = \$1 and ended_at is null$/,
    (call, [connection]: [string]) =>
      all(call, (row) => row.connection === connection && row.ended_at === null),
  ),
  known(/from counterpart\.sweeps where id = \$1$/, (call, [id]: [string]) =>
    all(call, (row) => row.id === id),
  ),
  known('select counterpart.recovered()', recovered),
  known('from counterpart.sweeps where ended_at is null order by connection', (call) => {
    const rows = call.tables.sweeps.filter(call, (row) => row.ended_at === null);
    return result(rows.toSorted((a, b) => byText(a.connection, b.connection)).map(columns));
  }),
  known('from counterpart.sweeps order by requested_at desc, id desc', (call, [limit]: [number]) => {
    const rows = [...call.tables.sweeps.rows(call)].toSorted(
      (a, b) => b.requested_at - a.requested_at || byText(b.id, a.id),
    );
    return result(rows.slice(0, limit).map(columns));
  }),
  known('update counterpart.sweeps set rung_at = now()', claimUnrung),
  known('calls = calls + $5', advance),
  known('set waits_for = $2, progressed_at = now()', function* wait(call, [id, code]: [string, string]) {
    const waits = yield* changeAll(
      call,
      (row) => row.id === id && row.ended_at === null,
      (row) => ({
        ...row,
        waits_for: code,
        progressed_at: call.now,
        waits_since: row.waits_for === code ? row.waits_since : call.now,
      }),
    );
    return changed(waits.length);
  }),
  known('delete from counterpart.sweep_seen where sweep_id = $1', function* forget(call, [id]: [string]) {
    return changed(yield* forgetSeen(call, new Set([id])));
  }),
  known("set ended_at = now(), ending = 'done'", function* end(call, [id]: [string]) {
    const ended = yield* changeAll(
      call,
      (row) => row.id === id && row.ended_at === null,
      (row) => ({ ...row, ended_at: call.now, ending: 'done', waits_for: null, waits_since: null }),
    );
    return changed(ended.length);
  }),
];
