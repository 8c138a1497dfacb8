/** How rows are held, inserted, updated and deleted, as READ COMMITTED does it (postgresql.org/docs/current/transaction-iso.html). */
import type { Call, Waiting } from './call';
import { CODES, DatabaseFailure } from './failure';
import type { Fresh, LockMode, Slot, Table, UniqueIndex, Versioned } from './table';
import type { Transaction } from './transaction';

/** Waits until the row may be held, and holds it. @returns its newest version */
export function* hold<Row extends Versioned>(
  call: Call,
  slot: Slot<Row>,
  mode: LockMode,
): Waiting<Row | null> {
  for (;;) {
    const against = slot.holders(call.tx, mode);
    if (against.length === 0) return holdNow(call, slot, mode);
    yield { for: against };
  }
}

/** Nobody holds the row against this mode. */
function holdNow<Row extends Versioned>(call: Call, slot: Slot<Row>, mode: LockMode): Row | null {
  const newest = slot.newest(call.tx);
  // a row that was deleted meanwhile is not there to be held
  if (newest !== null) slot.hold(call.tx, mode);
  return newest;
}

/**
 * Holds a row that the statement has seen. When it had to wait and the row was changed meanwhile, the condition is asked again
 * of the newest version; a row that was deleted is passed over, also if one with its key was inserted since.
 */
export function* holdSeen<Row extends Versioned>(
  call: Call,
  slot: Slot<Row>,
  mode: LockMode,
  where: (row: Row) => boolean,
): Waiting<Row | null> {
  const seen = slot.seen(call);
  if (seen === null || !where(seen)) return null;
  const newest = slot.isFree(call.tx, mode) ? holdNow(call, slot, mode) : yield* hold(call, slot, mode);
  if (newest === null || newest.life !== seen.life) return null;
  return newest === seen || where(newest) ? newest : null;
}

/** As `holdSeen` without waiting: a row that somebody holds is passed over. */
export function holdFree<Row extends Versioned>(call: Call, slot: Slot<Row>, mode: LockMode): Row | null {
  const seen = slot.seen(call);
  if (seen === null || slot.holders(call.tx, mode).length > 0) return null;
  const newest = slot.newest(call.tx);
  if (newest !== seen) return null;
  slot.hold(call.tx, mode);
  return newest;
}

function put<Row extends Versioned>(call: Call, slot: Slot<Row>, row: Row | null): void {
  if (slot.writer !== call.tx) {
    slot.writer = call.tx;
    call.tx.written.push(slot as unknown as Slot);
  } else if (slot.pending !== null && slot.table.uniques.length > 0) slot.superseded.push(slot.pending);
  slot.pending = row;
}

/** Rows with this key in a unique index, and whoever may yet end in one. */
function met<Row extends Versioned>(
  tx: Transaction,
  table: Table<Row>,
  index: UniqueIndex<Row>,
  value: string,
  except: Slot<Row> | null,
): { readonly slot: Slot<Row>; readonly undecided: Transaction | null } | null {
  for (const slot of table.slots.values()) {
    if (slot === except) continue;
    const { committed, pending, superseded, writer } = slot;
    if (writer !== null && writer !== tx) {
      const touches =
        (committed !== null && index.of(committed) === value) ||
        (pending !== null && index.of(pending) === value) ||
        superseded.some((row) => index.of(row) === value);
      if (touches) return { slot, undecided: writer };
    } else {
      const row = slot.newest(tx);
      if (row !== null && index.of(row) === value) return { slot, undecided: null };
    }
  }
  return null;
}

/** @returns the row that stands in the way, when none of them is undecided any more; null when none does */
function* inTheWay<Row extends Versioned>(
  call: Call,
  table: Table<Row>,
  row: Row,
  before: Row | null,
  self: Slot<Row> | null,
  only: string | null = null,
): Waiting<{ readonly slot: Slot<Row>; readonly index: string } | null> {
  for (const index of table.uniques) {
    if (only !== null && index.name !== only) continue;
    const value = index.of(row);
    if (value === null || (before !== null && index.of(before) === value)) continue;
    for (;;) {
      const found = met(call.tx, table, index, value, self);
      if (found === null) break;
      if (found.undecided === null) return { slot: found.slot, index: index.name };
      yield { for: [found.undecided] };
    }
  }
  return null;
}

/** Waits until it is decided whether a row with this primary key stands. */
function* keyTaken<Row extends Versioned>(call: Call, slot: Slot<Row> | undefined): Waiting<boolean> {
  if (slot === undefined) return false;
  while (slot.writer !== null && slot.writer !== call.tx) yield { for: [slot.writer] };
  return slot.newest(call.tx) !== null;
}

const duplicate = (table: string, index: string): DatabaseFailure =>
  new DatabaseFailure(
    CODES.unique,
    `duplicate key value violates unique constraint "${index}" of "${table}"`,
    { table, constraint: index },
  );

/** Without a look at any index; the caller knows that the key is free, and hands over the row for good. */
export function append<Row extends Versioned>(call: Call, table: Table<Row>, fresh: Fresh<Row>): Row {
  const row = fresh as Row & { life: number };
  row.life = call.memory.life();
  put(call, table.slotFor(table.keyOf(row)), row);
  return row;
}

/**
 * @param onConflict 'nothing': no row is inserted when one stands in the way
 * @returns null when nothing was inserted
 */
export function* insert<Row extends Versioned>(
  call: Call,
  table: Table<Row>,
  fresh: Fresh<Row>,
  onConflict: 'error' | 'nothing' = 'error',
): Waiting<Row | null> {
  const life = call.memory.life();
  const row = table.form === null ? ({ life, ...fresh } as unknown as Row) : table.form(fresh, life);
  const id = table.keyOf(row);
  for (;;) {
    if (yield* keyTaken(call, table.slots.get(id))) {
      if (onConflict === 'nothing') return null;
      throw duplicate(table.name, `${table.name}_pkey`);
    }
    const obstacle = yield* inTheWay(call, table, row, null, null);
    if (obstacle !== null) {
      if (onConflict === 'nothing') return null;
      throw duplicate(table.name, obstacle.index);
    }
    // while the second was waited for, the first may have changed
    const slot = table.slotFor(id);
    if (slot.writer !== null && slot.writer !== call.tx) continue;
    if (slot.newest(call.tx) !== null) continue;
    put(call, slot, row);
    return row;
  }
}

/** The row must be held. @returns it as it stands then. @throws when a unique index has the key already */
export function* update<Row extends Versioned>(
  call: Call,
  slot: Slot<Row>,
  before: Row,
  after: Row,
): Waiting<Row> {
  if (slot.table.uniques.length > 0) {
    const obstacle = yield* inTheWay(call, slot.table, after, before, slot);
    if (obstacle !== null) throw duplicate(slot.table.name, obstacle.index);
  }
  const { form } = slot.table;
  const row = form === null ? after : form(after, after.life);
  put(call, slot, row);
  return row;
}

export interface Written<Row> {
  readonly before: Row;
  readonly after: Row;
  /** By this transaction, before this statement: then Postgres asks again what a foreign key asks, even of a key that stays. */
  readonly rewritten: boolean;
}

/**
 * UPDATE of a row that the statement sees. What it shall be is reckoned before the wait for it, and once more only when the row
 * was changed meanwhile: so a time that is written may be older than the wait.
 */
export function* change<Row extends Versioned>(
  call: Call,
  slot: Slot<Row>,
  mode: LockMode | ((before: Row, after: Row) => LockMode),
  where: (row: Row) => boolean,
  by: (row: Row) => Row,
): Waiting<Written<Row> | null> {
  const seen = slot.seen(call);
  if (seen === null || !where(seen)) return null;
  const planned = by(seen);
  const as = typeof mode === 'string' ? mode : mode(seen, planned);
  const before = slot.isFree(call.tx, as) ? holdNow(call, slot, as) : yield* hold(call, slot, as);
  if (before === null || before.life !== seen.life) return null;
  if (before !== seen && !where(before)) return null;
  const wanted = before === seen ? planned : by(before);
  const rewritten = slot.writer === call.tx;
  const after = yield* update(call, slot, before, wanted);
  return { before, after, rewritten };
}

/** The row must be held against everybody. */
export function remove<Row extends Versioned>(call: Call, slot: Slot<Row>): void {
  put(call, slot, null);
}

/**
 * INSERT … ON CONFLICT DO UPDATE: the row that stands in the way is held and changed as it stands then, whatever the statement
 * could see when it began.
 * @param at.index the arbiter, null for the primary key
 * @param by the row as it shall be; null leaves it as it is
 */
export function* upsert<Row extends Versioned>(
  call: Call,
  table: Table<Row>,
  at: { readonly index: string | null; readonly mode: LockMode },
  fresh: Fresh<Row>,
  by: (before: Row, excluded: Fresh<Row>) => Row | null,
): Waiting<{ readonly row: Row; readonly inserted: boolean; readonly rewritten: boolean } | null> {
  for (;;) {
    const slot = yield* arbiter(call, table, at.index, fresh);
    if (slot === null) {
      const row = yield* insert(call, table, fresh, 'nothing');
      if (row !== null) return { row, inserted: true, rewritten: false };
      // a row at another index stands in the way, or one came while the other was waited for
      const again = yield* arbiter(call, table, at.index, fresh);
      if (again !== null) continue;
      throw duplicate(table.name, 'another');
    }
    const life = slot.newest(call.tx)?.life;
    const before = yield* hold(call, slot, at.mode);
    if (before === null || before.life !== life) continue;
    const after = by(before, fresh);
    if (after === null) return null;
    const rewritten = slot.writer === call.tx;
    const row = yield* update(call, slot, before, after);
    return { row, inserted: false, rewritten };
  }
}

function* arbiter<Row extends Versioned>(
  call: Call,
  table: Table<Row>,
  index: string | null,
  fresh: Fresh<Row>,
): Waiting<Slot<Row> | null> {
  const row = fresh as Row;
  if (index !== null) return (yield* inTheWay(call, table, row, null, null, index))?.slot ?? null;
  const slot = table.slots.get(table.keyOf(row));
  return (yield* keyTaken(call, slot)) ? slot! : null;
}

/** What a foreign key asks: the row it names stays as long as this transaction. */
export function* refer<Row extends Versioned>(
  call: Call,
  table: Table<Row>,
  key: string | number,
  from: { readonly table: string; readonly constraint: string },
): Waiting<void> {
  const slot = table.slots.get(key);
  const row = slot === undefined ? null : yield* hold(call, slot, 'key share');
  if (row === null)
    throw new DatabaseFailure(
      CODES.foreignKey,
      `foreign key "${from.constraint}": no ${table.name} ${key}`,
      from,
    );
}
