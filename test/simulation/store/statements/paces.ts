import type { Call, Result, Waiting } from '../call';
import { changed, result } from '../call';
import { key } from '../schema';
import type { PaceRow } from '../schema';
import { change, holdSeen, insert, update } from '../writing';
import { byText, known } from './known';
import type { Known } from './known';

const HALVED_EVERY_MS = 1_000;
const SLOWEST_SHARE = 0.1;
const RECOVERED_SHARE_PER_S = 0.02;
const NEXT_LATEST_MS = 61_000;

/** Postgres keeps microseconds. */
const micros = (ms: number): number => Math.round(ms * 1000) / 1000;

function rate(call: Call, row: PaceRow, perSecond: number): number {
  if (row.slowed_to === null || row.slowed_at === null) return perSecond;
  const since_s = (call.clock() - row.slowed_at) / 1000;
  return Math.min(perSecond, row.slowed_to + perSecond * RECOVERED_SHARE_PER_S * since_s);
}

function* prepare(call: Call, [connection, classes]: [string, readonly string[]]): Waiting<Result> {
  for (const name of classes) {
    const fresh = { connection, class: name, next_at: -Infinity, slowed_at: null, slowed_to: null };
    yield* insert<PaceRow>(call, call.tables.paces, fresh, 'nothing');
  }
  return changed(classes.length);
}

type Ask = [
  connection: string,
  classes: readonly string[],
  perSecond: readonly number[],
  wanted: number,
  ahead_ms: number,
  burst_ms: number,
];

function* takeSlots(call: Call, values: Ask): Waiting<Result> {
  const [connection, classes, perSecond, wanted, ahead_ms, burst_ms] = values;
  const held: PaceRow[] = [];
  for (const name of classes.toSorted(byText)) {
    const slot = call.tables.paces.slots.get(key(connection, name));
    const row = slot && (yield* holdSeen(call, slot, 'update', () => true));
    if (row) held.push(row);
  }
  if (held.length !== classes.length) return result([]);
  const now = call.clock();
  let spacing_s = 0;
  let from_at = -Infinity;
  const rated = held.map((row) => {
    const spacing = 1 / rate(call, row, perSecond[classes.indexOf(row.class)]!);
    const from = Math.min(Math.max(row.next_at, micros(now - burst_ms)), now + NEXT_LATEST_MS);
    spacing_s = Math.max(spacing_s, spacing);
    from_at = Math.max(from_at, from);
    return { row, spacing, from };
  });
  const first_in_ms = micros(from_at - now);
  const fits = 1 + Math.floor((ahead_ms - first_in_ms) / (spacing_s * 1000));
  const granted = Math.max(0, Math.min(wanted, fits));
  if (granted > 0) {
    for (const { row, spacing, from } of rated) {
      const slot = call.tables.paces.slots.get(key(connection, row.class))!;
      // the interval is rounded, not the sum: in a number as large as a time half a microsecond is lost
      yield* update(call, slot, row, { ...row, next_at: micros(from + micros(granted * spacing * 1000)) });
    }
    call.tx.unflushed = true;
  }
  return result([{ granted, first_in_ms, spacing_ms: spacing_s * 1000 }]);
}

type Limits = [connection: string, classes: readonly string[], perSecond: readonly number[]];

function* slowDown(call: Call, values: [...Limits, number]): Waiting<Result> {
  const [connection, classes, perSecond, away_ms] = values;
  let slowed = 0;
  for (const [i, name] of classes.entries()) {
    const slot = call.tables.paces.slots.get(key(connection, name));
    const slower = (row: PaceRow): PaceRow => {
      const now = call.clock();
      const lately = row.slowed_at !== null && row.slowed_at >= now - HALVED_EVERY_MS;
      const halved = Math.max(rate(call, row, perSecond[i]!) / 2, perSecond[i]! * SLOWEST_SHARE);
      return {
        ...row,
        slowed_to: lately ? row.slowed_to : halved,
        slowed_at: lately ? row.slowed_at : now,
        next_at: Math.max(row.next_at, now + away_ms),
      };
    };
    if (slot === undefined) continue;
    if ((yield* change(call, slot, 'no key update', () => true, slower)) === null) continue;
    slowed += 1;
  }
  return changed(slowed);
}

export const PACES: readonly Known[] = [
  known('insert into counterpart.paces', prepare),
  known('with held as materialized', takeSlots),
  known('update counterpart.paces p\n     set slowed_to = ', slowDown),
  known('as rate from counterpart.paces', (call, [connection, [name], [perSecond]]: Limits) => {
    const row = call.tables.paces.read(call, key(connection, name!));
    return result(row === null ? [] : [{ rate: rate(call, row, perSecond!) }]);
  }),
];
