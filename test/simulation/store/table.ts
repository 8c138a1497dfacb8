/**
 * Rows as Postgres keeps them for READ COMMITTED: the newest committed version, at most one uncommitted one, who holds the row,
 * and older versions only while a statement that began before waits for a lock. Versions are never changed, only replaced.
 */
import type { Transaction } from './transaction';

/** `life` tells a row that was inserted again from the one that was deleted: a waiter does not follow from one to the other. */
export interface Versioned {
  readonly life: number;
}

/** postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS, the weakest first. */
export type LockMode = 'key share' | 'share' | 'no key update' | 'update';

const STRENGTH: Record<LockMode, number> = { 'key share': 0, share: 1, 'no key update': 2, update: 3 };
const CONFLICTS: Record<LockMode, Record<LockMode, boolean>> = {
  'key share': { 'key share': false, share: false, 'no key update': false, update: true },
  share: { 'key share': false, share: false, 'no key update': true, update: true },
  'no key update': { 'key share': false, share: true, 'no key update': true, update: true },
  update: { 'key share': true, share: true, 'no key update': true, update: true },
};

interface Lock {
  readonly holder: Transaction;
  mode: LockMode;
}

/** What a statement's reads go by: whose they are, and how much was committed when it began. */
export interface Sight {
  readonly tx: Transaction;
  readonly snapshot: number;
}

export class Slot<Row extends Versioned = Versioned> {
  committed: Row | null = null;
  /** Number of the commit that made `committed`. */
  commit = 0;
  pending: Row | null = null;
  writer: Transaction | null = null;
  /** Earlier versions by the same writer: until it ends a unique index still has their keys. */
  superseded: Row[] = [];
  locks: Lock[] = [];
  history: Array<{ readonly commit: number; readonly row: Row | null }> = [];
  /** The committed version as it was last shown to whoever reads contents. */
  shown: { readonly row: Row; readonly columns: Readonly<Record<string, unknown>> } | null = null;

  constructor(
    readonly table: Table<Row>,
    readonly key: string | number,
  ) {}

  /** The version a plain read sees. */
  seen(by: Sight): Row | null {
    if (this.writer === by.tx) return this.pending;
    if (this.commit <= by.snapshot) return this.committed;
    return this.history.findLast(({ commit }) => commit <= by.snapshot)?.row ?? null;
  }

  /** The version a write goes on from, once the row is held. */
  newest(tx: Transaction): Row | null {
    return this.writer === tx ? this.pending : this.committed;
  }

  /** Whoever holds the row against this mode. */
  holders(tx: Transaction, mode: LockMode): Transaction[] {
    const against: Transaction[] = [];
    for (const lock of this.locks)
      if (lock.holder !== tx && CONFLICTS[mode][lock.mode]) against.push(lock.holder);
    return against;
  }

  /** As `holders`, and none: nearly always. */
  isFree(tx: Transaction, mode: LockMode): boolean {
    for (const lock of this.locks) if (lock.holder !== tx && CONFLICTS[mode][lock.mode]) return false;
    return true;
  }

  hold(tx: Transaction, mode: LockMode): void {
    const own = this.locks.find(({ holder }) => holder === tx);
    if (own === undefined) {
      this.locks.push({ holder: tx, mode });
      tx.held.push(this as unknown as Slot);
    } else if (STRENGTH[own.mode] < STRENGTH[mode]) own.mode = mode;
  }

  /** @param keepHistory whether a statement that began before still waits */
  settle(commit: number, keepHistory: boolean): void {
    if (keepHistory) this.history.push({ commit: this.commit, row: this.committed });
    this.committed = this.pending;
    this.commit = commit;
    this.discard();
  }

  discard(): void {
    this.pending = null;
    this.writer = null;
    if (this.superseded.length > 0) this.superseded = [];
  }

  letGo(tx: Transaction): void {
    const at = this.locks.findIndex(({ holder }) => holder === tx);
    if (at >= 0) this.locks.splice(at, 1);
    this.sweepUp();
  }

  sweepUp(): void {
    const empty = this.committed === null && this.writer === null;
    if (empty && this.locks.length === 0 && this.history.length === 0) this.table.slots.delete(this.key);
  }
}

/** A unique index beside the primary key; rows for which `of` is null are not in it. */
export interface UniqueIndex<Row> {
  readonly name: string;
  readonly of: (row: Row) => string | null;
}

/** A row as it is handed over to be inserted. */
export type Fresh<Row extends Versioned> = Omit<Row, 'life'>;

/**
 * Makes a row anew, all its columns in one order. In Node 20 a place that spreads what was spread elsewhere makes hash tables of it
 * before long, and `{ ...row, more }` has another hidden class each time (10 µs, against 0.1 with all names written out): rows
 * that were spread from version to version cost three tenths of a run.
 */
export type Form<Row extends Versioned> = (row: Fresh<Row>, life: number) => Row;

export class Table<Row extends Versioned> {
  readonly slots = new Map<string | number, Slot<Row>>();

  constructor(
    readonly name: string,
    readonly keyOf: (row: Row) => string | number,
    readonly uniques: ReadonlyArray<UniqueIndex<Row>> = [],
    /** Null: of a table whose rows are few, or never changed. */
    readonly form: Form<Row> | null = null,
  ) {}

  slotFor(key: string | number): Slot<Row> {
    let slot = this.slots.get(key);
    if (slot === undefined) {
      slot = new Slot<Row>(this, key);
      this.slots.set(key, slot);
    }
    return slot;
  }

  read(by: Sight, key: string | number): Row | null {
    return this.slots.get(key)?.seen(by) ?? null;
  }

  *rows(by: Sight): Generator<Row, void, void> {
    for (const slot of this.slots.values()) {
      const row = slot.seen(by);
      if (row !== null) yield row;
    }
  }

  filter(by: Sight, where: (row: Row) => boolean): Row[] {
    const found: Row[] = [];
    for (const slot of this.slots.values()) {
      const row = slot.seen(by);
      if (row !== null && where(row)) found.push(row);
    }
    return found;
  }

  first(by: Sight, where: (row: Row) => boolean): Row | null {
    for (const slot of this.slots.values()) {
      const row = slot.seen(by);
      if (row !== null && where(row)) return row;
    }
    return null;
  }

  some(by: Sight, where: (row: Row) => boolean): boolean {
    return this.first(by, where) !== null;
  }

  count(by: Sight, where: (row: Row) => boolean): number {
    let n = 0;
    for (const slot of this.slots.values()) {
      const row = slot.seen(by);
      if (row !== null && where(row)) n += 1;
    }
    return n;
  }
}
