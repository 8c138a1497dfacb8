/** One statement under way, and the database it runs in. */
import type { Chance, VirtualClock } from '../engine/ports';
import { Flushing, Sequence } from './flushing';
import { createTables } from './schema';
import type { Tables } from './schema';
import type { Sight } from './table';
import type { Transaction } from './transaction';

/** Until one of these ends, the statement that yields it cannot go on. */
export interface Wait {
  readonly for: readonly Transaction[];
  /** Given up after this, instead of by the session's own lock_timeout. */
  readonly timeout_ms?: number;
}

/** Why the statement goes on: one of those it waited for ended, or its own `timeout_ms` is over. */
export type Woken = 'ended' | 'timeout';
export type Waiting<T> = Generator<Wait, T, Woken>;

export interface Result {
  readonly rows: readonly unknown[];
  readonly rowCount: number;
}

/** All that is committed, and the numbers given out. */
export class Memory {
  readonly tables: Tables = createTables();
  readonly flushing = new Flushing();
  readonly work_seq = new Sequence(this.flushing);
  readonly link_id = new Sequence(this.flushing);
  readonly timeline_seq = new Sequence(this.flushing);
  readonly finding_id = new Sequence(this.flushing);
  /** Names of locks that belong to no row, with who holds them. */
  readonly advisory = new Map<string, Transaction>();
  /** Number of the newest commit. */
  commit = 0;
  /** Statements that wait, and read by what was committed when they began. */
  suspended = 0;
  private lives = 0;

  constructor(
    readonly clock: VirtualClock,
    readonly chance: Chance,
  ) {}

  life(): number {
    this.lives += 1;
    return this.lives;
  }

  /** `counterpart.fresh_number` */
  freshNumber(): number {
    return this.chance.int(0x400_0000) * 0x800_0000 + this.chance.int(0x800_0000);
  }

  /** `counterpart.uuidv7` */
  uuidv7(): string {
    const stamp = Math.floor(this.clock.now_ms()).toString(16).padStart(12, '0');
    return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${this.chance.uuid().slice(15)}`;
  }
}

export class Call implements Sight {
  readonly tables: Tables;
  readonly snapshot: number;
  /** statement_timestamp() */
  readonly began: number;
  /** Triggers that fire when all rows are written, in this order. */
  private after: Array<() => void | Waiting<void>> = [];

  constructor(
    readonly memory: Memory,
    readonly tx: Transaction,
  ) {
    this.tables = memory.tables;
    this.snapshot = memory.commit;
    this.began = memory.clock.now_ms();
  }

  /** now() */
  get now(): number {
    return this.tx.now;
  }

  /** clock_timestamp() */
  clock(): number {
    return this.memory.clock.now_ms();
  }

  get hasTriggers(): boolean {
    return this.after.length > 0;
  }

  atEnd(trigger: () => void | Waiting<void>): void {
    this.after.push(trigger);
  }

  *finish(): Waiting<void> {
    if (this.after.length === 0) return;
    const triggers = this.after;
    this.after = [];
    for (const trigger of triggers) {
      const work = trigger();
      if (work !== undefined) yield* work;
    }
  }

  /** A read within a function, as `nested`. */
  fresh(): Call {
    return new Call(this.memory, this.tx);
  }

  /** A statement within a function: it sees what was committed until now, and what this transaction has written. */
  *nested<T>(work: (call: Call) => Waiting<T>): Waiting<T> {
    const inner = this.fresh();
    const result = yield* work(inner);
    yield* inner.finish();
    return result;
  }
}

export const result = (rows: readonly unknown[]): Result => ({ rows, rowCount: rows.length });
export const changed = (rowCount: number): Result => ({ rows: [], rowCount });
