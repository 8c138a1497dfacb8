/** How transactions begin, wait for each other and end. */
import type { Chance, Turns, VirtualClock } from '../engine/ports';
import { Memory } from './call';
import type { Wait, Waiting, Woken } from './call';
import { CODES, DatabaseFailure } from './failure';
import type { Slot } from './table';
import { Transaction } from './transaction';
import type { Patience } from './transaction';

/** After this long a waiting statement looks whether it waits for itself (Postgres's deadlock_timeout). */
const DEADLOCK_TIMEOUT_MS = 1_000;

export interface TransactionOptions {
  readonly clock: VirtualClock;
  readonly chance: Chance;
  /** After a commit that wrote to the queue. */
  readonly onNotify?: () => void;
  /** 0: at once, so that it is always the last one who waits that fails. */
  readonly deadlockTimeout_ms?: number;
}

interface Before {
  readonly slot: Slot;
  readonly committed: Slot['committed'];
  readonly commit: number;
}

export class Transactions {
  readonly memory: Memory;
  private readonly open = new Set<Transaction>();
  private readonly suspended = new Set<Transaction>();
  /** Rows of which older versions are kept for those who wait. */
  private remembered: Slot[] = [];

  constructor(private readonly options: TransactionOptions) {
    this.memory = new Memory(options.clock, options.chance);
  }

  begin(patience: Patience): Transaction {
    const tx = this.brief(patience);
    this.open.add(tx);
    return tx;
  }

  /** For one statement: to be kept among the open ones when it has to wait, else nobody ever sees it. */
  brief(patience: Patience): Transaction {
    return new Transaction(this.options.clock.now_ms(), patience);
  }

  keep(tx: Transaction): void {
    this.open.add(tx);
  }

  /** Runs a statement to its end, which takes a turn again after each time it waited. */
  perform<T>(tx: Transaction, turns: Turns, label: string, work: Waiting<T>): T | Promise<T> {
    const step = work.next('ended');
    return step.done === true ? step.value : this.goThrough(tx, turns, label, work, step);
  }

  private async goThrough<T>(
    tx: Transaction,
    turns: Turns,
    label: string,
    work: Waiting<T>,
    first: IteratorResult<Wait, T>,
  ): Promise<T> {
    let step = first;
    const until_ms = this.options.clock.now_ms() + tx.patience.statement_ms;
    this.suspended.add(tx);
    this.memory.suspended = this.suspended.size;
    try {
      while (step.done !== true) {
        const woken = await this.waitFor(tx, turns, label, step.value, until_ms);
        if (tx.broken !== null) throw tx.broken;
        step = work.next(woken);
      }
      return step.value;
    } finally {
      this.goOn(tx);
    }
  }

  private goOn(tx: Transaction): void {
    tx.waitsFor = null;
    tx.wake = null;
    if (this.suspended.size === 0 || !this.suspended.delete(tx)) return;
    this.memory.suspended = this.suspended.size;
    if (this.suspended.size > 0) return;
    for (const slot of this.remembered) {
      slot.history = [];
      slot.sweepUp();
    }
    this.remembered = [];
  }

  private async waitFor(
    tx: Transaction,
    turns: Turns,
    label: string,
    wait: Wait,
    until_ms: number,
  ): Promise<Woken> {
    const ended = new Promise<'ended'>((resolve) => {
      tx.wake = () => resolve('ended');
    });
    tx.waitsFor = wait.for;
    for (const other of wait.for) (other.waiters ??= new Set()).add(tx.wake!);
    const deadlock_ms = this.options.deadlockTimeout_ms ?? DEADLOCK_TIMEOUT_MS;
    // whoever gives up sooner does so
    if (deadlock_ms === 0 && wait.timeout_ms === undefined) refuseDeadlock(tx);
    const began_ms = this.options.clock.now_ms();
    const lock_ms = wait.timeout_ms ?? tx.patience.lock_ms;
    const alarms = [deadlock_ms, lock_ms, until_ms - began_ms].filter((ms) => ms > 0 && ms < Infinity);
    for (const ms of alarms.toSorted((a, b) => a - b)) {
      const left = began_ms + ms - this.options.clock.now_ms();
      const late = turns.sleep(Math.max(0, left), `${label} waits`).then(() => 'late' as const);
      if ((await Promise.race([ended, late])) === 'ended') break;
      if (tx.broken !== null) return 'ended';
      if (ms === wait.timeout_ms) return 'timeout';
      if (ms === lock_ms)
        throw new DatabaseFailure(CODES.lockTimeout, 'canceling statement due to lock timeout');
      if (ms === deadlock_ms) refuseDeadlock(tx);
      else throw new DatabaseFailure(CODES.queryCanceled, 'canceling statement due to statement timeout');
    }
    await ended;
    await turns.turn(label);
    return 'ended';
  }

  commit(tx: Transaction): void {
    if (tx.ended) return;
    if (tx.written.length > 0 || tx.held.length > 0) {
      this.memory.commit += 1;
      if (tx.unflushed) this.writeUnflushed(tx);
      else this.memory.flushing.flush();
      const keepHistory = this.suspended.size > 0;
      for (const slot of tx.written) {
        slot.settle(this.memory.commit, keepHistory);
        if (keepHistory) this.remembered.push(slot);
      }
    }
    this.end(tx);
    if (tx.notifies) this.options.onNotify?.();
  }

  private writeUnflushed(tx: Transaction): void {
    const before = tx.written.map<Before>((slot) => ({
      slot,
      committed: slot.committed,
      commit: slot.commit,
    }));
    this.memory.flushing.write(() => {
      for (const { slot, committed, commit } of before) {
        slot.committed = committed;
        slot.commit = commit;
        if (committed === null) slot.sweepUp();
        else slot.table.slots.set(slot.key, slot);
      }
    });
  }

  rollBack(tx: Transaction): void {
    if (tx.ended) return;
    for (const slot of tx.written) slot.discard();
    this.end(tx);
  }

  private end(tx: Transaction): void {
    tx.ended = true;
    this.open.delete(tx);
    for (const slot of tx.held) slot.letGo(tx);
    for (const slot of tx.written) slot.sweepUp();
    for (const name of tx.advisory) this.memory.advisory.delete(name);
    this.goOn(tx);
    if (tx.waiters === null) return;
    for (const wake of tx.waiters) wake();
    tx.waiters.clear();
  }

  /** The connections of these break: what they wrote is gone, their locks are free. */
  breakOff(transactions: Iterable<Transaction>, why: Error): void {
    for (const tx of transactions) {
      tx.broken = why;
      const { wake } = tx;
      this.rollBack(tx);
      wake?.();
    }
  }

  /** Postgres crashes. @returns how many entries of its log were lost */
  crash(why: Error): number {
    this.breakOff([...this.open], why);
    return this.memory.flushing.lose(this.options.chance);
  }
}

/** @throws when this transaction waits, through others, for itself */
function refuseDeadlock(tx: Transaction): void {
  const seen = new Set<Transaction>();
  const reaches = (from: Transaction): boolean => {
    for (const other of from.waitsFor ?? []) {
      if (other === tx) return true;
      if (!seen.has(other) && (seen.add(other), reaches(other))) return true;
    }
    return false;
  };
  if (!reaches(tx)) return;
  // the others wait for nobody in a circle any more, even before this one has rolled back
  tx.waitsFor = null;
  throw new DatabaseFailure(CODES.deadlock, 'deadlock detected');
}
