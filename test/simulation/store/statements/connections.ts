/** Connections with their breakers. */
import type { Call, Result, Waiting } from '../call';
import { changed, result } from '../call';
import type { ConnectionRow } from '../schema';
import type { Slot, Table, Versioned } from '../table';
import { change, holdSeen, insert } from '../writing';
import { among, byText, date, known } from './known';
import type { Known } from './known';
import { changeHeld, chooseFree } from './queue';

const TURN_EVERY_MS = 1_000;
const TURN_LATEST_MS = 2_000;
const PUT_AWAY_MS = 60_000;

/** UPDATE of the row with this key, if it meets the condition. */
export function* changeRow<Row extends Versioned>(
  call: Call,
  table: Table<Row>,
  key: string,
  where: (row: Row) => boolean,
  by: (row: Row) => Row,
): Waiting<Row | null> {
  const slot: Slot<Row> | undefined = table.slots.get(key);
  const written = slot === undefined ? null : yield* change(call, slot, 'no key update', where, by);
  return written?.after ?? null;
}

function* changeConnection(
  call: Call,
  name: string,
  where: (row: ConnectionRow) => boolean,
  by: (row: ConnectionRow) => ConnectionRow,
): Waiting<Result> {
  const row = yield* changeRow(call, call.tables.connections, name, where, by);
  return result(row === null ? [] : [columns(row)]);
}

function columns(row: ConnectionRow) {
  return {
    ...row,
    paused_at: date(row.paused_at),
    recovering_since: date(row.recovering_since),
    down_since: date(row.down_since),
    probe_at: date(row.probe_at),
  };
}

const ANY = (): boolean => true;
const isDown = (row: ConnectionRow): boolean => row.down_since !== null;

function* register(call: Call, [name, system]: [string, string]): Waiting<Result> {
  const row = yield* insert<ConnectionRow>(
    call,
    call.tables.connections,
    {
      name,
      system,
      account: null,
      api_base: null,
      mode: null,
      identified_at: null,
      paused_at: null,
      pause_code: null,
      pause_detail: null,
      recovering_since: null,
      down_since: null,
      down_code: null,
      probe_at: null,
      release_rows: 0,
      degraded: [],
      created_at: call.now,
    },
    'nothing',
  );
  return changed(row === null ? 0 : 1);
}

function* claimTurn(call: Call, [name, rowsMax]: [string, number]): Waiting<Result> {
  const isDue = (row: ConnectionRow): boolean =>
    row.paused_at === null &&
    (row.probe_at === null || row.probe_at <= call.clock() || row.probe_at > call.clock() + TURN_LATEST_MS) &&
    (isDown(row) || (row.recovering_since === null && call.tables.queue.some(call, isPutAway(call, name))));
  const row = yield* changeRow(call, call.tables.connections, name, isDue, (before) => ({
    ...before,
    probe_at: call.clock() + TURN_EVERY_MS,
    release_rows: isDown(before) ? 0 : Math.min(rowsMax, Math.max(1, before.release_rows * 2)),
  }));
  return result(row === null ? [] : [{ down: isDown(row), release_rows: row.release_rows }]);
}

function isPutAway(call: Call, name: string) {
  return (row: { waiting_on: readonly string[]; due_at: number }): boolean =>
    row.waiting_on.includes(name) && row.due_at > call.clock() + PUT_AWAY_MS;
}

function* releaseSome(call: Call, [name, rowsMax]: [string, number]): Waiting<Result> {
  const { queue } = call.tables;
  const let_go = queue.count(
    call,
    (row) =>
      row.bulk &&
      row.hint !== 'sweep' &&
      row.hint !== 'recovered' &&
      row.signalled_at !== null &&
      row.due_at <= call.clock(),
  );
  const waiting = queue.filter(call, isPutAway(call, name)).toSorted((a, b) => a.hinted_at - b.hinted_at);
  const chosen = chooseFree(call, waiting, Math.max(0, rowsMax - let_go));
  const released = yield* changeHeld(call, chosen, (row) => ({
    ...row,
    due_at: Math.min(call.clock(), row.hinted_at),
    waiting_on: [],
    bulk: true,
  }));
  return changed(released.length);
}

function countWaiting(call: Call): Result {
  const counts = new Map<string, number>();
  for (const { waiting_on } of call.tables.queue.rows(call))
    for (const name of waiting_on) counts.set(name, (counts.get(name) ?? 0) + 1);
  return result([...counts].map(([connection, records]) => ({ connection, records })));
}

function* lockHeld(call: Call, [names]: [readonly string[]]): Waiting<Result> {
  const isAsked = among(names);
  const serves = (row: ConnectionRow): boolean =>
    row.paused_at === null && row.recovering_since === null && row.down_since === null;
  const where = (row: ConnectionRow): boolean => isAsked(row.name) && !serves(row);
  const held: ConnectionRow[] = [];
  for (const { name } of sorted(call.tables.connections.filter(call, where))) {
    const row = yield* holdSeen(call, call.tables.connections.slots.get(name)!, 'share', where);
    if (row !== null) held.push(row);
  }
  return result(held);
}

const sorted = (rows: ConnectionRow[]): ConnectionRow[] => rows.toSorted((a, b) => byText(a.name, b.name));

export const CONNECTIONS: readonly Known[] = [
  known('insert into counterpart.connections (name, system)', register),
  known('from counterpart.connections order by name', (call) =>
    result(sorted([...call.tables.connections.rows(call)]).map(columns)),
  ),
  known(
    /^select name, system[^]*from counterpart\.connections where name = \$1$/,
    (call, [name]: [string]) => {
      const row = call.tables.connections.read(call, name);
      return result(row === null ? [] : [columns(row)]);
    },
  ),
  known(
    'set account = case when identified_at is null',
    (call, [name, account, apiBase, mode]: [string, string | null, string, string]) =>
      changeConnection(call, name, ANY, (row) => ({
        ...row,
        account: row.identified_at === null ? account : (row.account ?? account),
        api_base: row.api_base ?? apiBase,
        mode: row.mode ?? mode,
        identified_at: row.identified_at ?? call.now,
      })),
  ),
  known(
    'set paused_at = coalesce(paused_at, now())',
    (call, [name, code, detail]: [string, string, string | null]) =>
      changeConnection(call, name, ANY, (row) => {
        const replaces = code === 'paused' || row.pause_code === null;
        return {
          ...row,
          paused_at: row.paused_at ?? call.now,
          pause_code: replaces ? code : row.pause_code,
          pause_detail: replaces ? detail : row.pause_detail,
        };
      }),
  ),
  known('set paused_at = null, pause_code = null, pause_detail = null', (call, [name]: [string]) =>
    changeConnection(
      call,
      name,
      (row) => row.paused_at !== null,
      (row) => ({ ...row, paused_at: null, pause_code: null, pause_detail: null }),
    ),
  ),
  known('set recovering_since = null where name = $1', (call, [name]: [string]) =>
    changeConnection(call, name, ANY, (row) => ({ ...row, recovering_since: null })),
  ),
  known('set degraded = array_append(degraded, $2)', (call, [name, what]: [string, string]) =>
    changeConnection(
      call,
      name,
      (row) => !row.degraded.includes(what),
      (row) => ({ ...row, degraded: [...row.degraded, what] }),
    ),
  ),
  known('set degraded = array_remove(degraded, $2)', (call, [name, what]: [string, string]) =>
    changeConnection(
      call,
      name,
      (row) => row.degraded.includes(what),
      (row) => ({ ...row, degraded: row.degraded.filter((one) => one !== what) }),
    ),
  ),
  known('set down_since = clock_timestamp(), down_code = $2', (call, [name, code]: [string, string | null]) =>
    changeConnection(
      call,
      name,
      (row) => !isDown(row),
      (row) => ({
        ...row,
        down_since: call.clock(),
        down_code: code,
        release_rows: 0,
        probe_at: call.clock() + TURN_EVERY_MS,
      }),
    ),
  ),
  known('set down_code = $2 where name = $1', (call, [name, code]: [string, string | null]) =>
    changeConnection(
      call,
      name,
      (row) => isDown(row) && row.down_code !== code,
      (row) => ({ ...row, down_code: code }),
    ),
  ),
  known('set down_since = null, down_code = null', (call, [name]: [string]) =>
    changeConnection(call, name, isDown, (row) => ({
      ...row,
      down_since: null,
      down_code: null,
      release_rows: 0,
      probe_at: call.clock(),
    })),
  ),
  known('set probe_at = clock_timestamp() +', claimTurn),
  known('set due_at = least(clock_timestamp(), q.hinted_at)', releaseSome),
  known('select connection, count(*) as records from counterpart.work_queue', countWaiting),
  known('order by name for share', lockHeld),
];
