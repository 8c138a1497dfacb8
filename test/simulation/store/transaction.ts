import type { Slot } from './table';

/** How long a statement waits: for one lock, and in all. */
export interface Patience {
  readonly lock_ms: number;
  readonly statement_ms: number;
}

/** One transaction: what it wrote and holds, and whom it waits for. A single statement is one too. */
export class Transaction {
  /** Settings made for the transaction alone: `counterpart.writer` and `counterpart.link`. */
  writer = '';
  link = '';
  readonly written: Slot[] = [];
  readonly held: Slot[] = [];
  readonly advisory: string[] = [];
  notifies = false;
  /** Its commit does not wait for the disk. */
  unflushed = false;
  /** A statement of it failed: nothing but a rollback is taken. */
  failed = false;
  ended = false;
  /** A statement of it is under way. */
  busy = false;
  /** Whom its statement waits for; null while it waits for nobody. */
  waitsFor: readonly Transaction[] | null = null;
  /** Its connection broke: whatever it does next fails with this. */
  broken: Error | null = null;
  /** Called when it ends, by those who wait for it; null while nobody has. */
  waiters: Set<() => void> | null = null;
  /** Lets its own waiting statement look again. */
  wake: (() => void) | null = null;

  /** @param now Unix milliseconds, what now() is in it */
  constructor(
    readonly now: number,
    readonly patience: Patience,
  ) {}
}
