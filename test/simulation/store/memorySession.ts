/** A process's way into the memory Postgres. */
import type { DatabaseSession, ProductWrites, Turns } from '../engine/ports';
import type { Store } from '../../../src/store/store';
import { Call } from './call';
import type { Result } from './call';
import { CODES, DatabaseFailure } from './failure';
import { productWrites } from './productWrites';
import { runText } from './statements/all';
import type { Patience, Transaction } from './transaction';
import type { Transactions } from './transactions';
import { storeOver } from './way';
import type { Begun, Way } from './way';

/** What becomes of a statement whose connection breaks: it did not arrive, or took effect and nobody was told. */
export type Break = 'before' | 'after';
export type Breaking = (label: string) => Break | null;

const brokenOff = (): DatabaseFailure =>
  new DatabaseFailure(CODES.adminShutdown, 'terminating connection due to administrator command');

/** psql waits as long as it takes. */
const PSQL: Patience = { lock_ms: Infinity, statement_ms: Infinity };

/** A turn of a process that died does not come, even if its scheduler should give one. */
const never = (): Promise<never> => new Promise(() => undefined);

export class MemorySession implements DatabaseSession, Way {
  readonly store: Store;
  readonly product: ProductWrites;
  private readonly mine = new Set<Transaction>();
  private dropped = false;

  constructor(
    private readonly transactions: Transactions,
    private readonly turns: Turns,
    private readonly patience: Patience,
    private readonly breaking: Breaking | null,
  ) {
    this.store = storeOver(this);
    this.product = productWrites(this, transactions.memory.chance);
  }

  drop(): void {
    this.dropped = true;
    for (const tx of this.mine) this.transactions.rollBack(tx);
    this.mine.clear();
  }

  private open(patience: Patience): Transaction {
    const tx = this.transactions.begin(patience);
    this.mine.add(tx);
    return tx;
  }

  /** @returns no promise when it has not had to wait: nearly always */
  private execute(
    tx: Transaction,
    label: string,
    text: string,
    values: readonly unknown[],
  ): Result | Promise<Result> {
    const call = new Call(this.transactions.memory, tx);
    const work = runText(call, label, text, values);
    return 'next' in work ? this.transactions.perform(tx, this.turns, label, work) : work;
  }

  async run(label: string, text: string, values: readonly unknown[]): Promise<Result> {
    await this.turns.turn(label);
    if (this.dropped) await never();
    const breaks = this.breaking?.(label) ?? null;
    if (breaks === 'before') throw brokenOff();
    const tx = this.transactions.brief(this.patience);
    try {
      const executed = this.execute(tx, label, text, values);
      const answer = executed instanceof Promise ? await this.waitedFor(tx, executed) : executed;
      this.transactions.commit(tx);
      if (breaks === 'after') throw brokenOff();
      return answer;
    } finally {
      this.transactions.rollBack(tx);
    }
  }

  /** While it waits it may be broken off, and its process may die. */
  private async waitedFor(tx: Transaction, executed: Promise<Result>): Promise<Result> {
    this.transactions.keep(tx);
    this.mine.add(tx);
    try {
      return await executed;
    } finally {
      this.mine.delete(tx);
    }
  }

  begin({ unflushed = false, patient = false }: Parameters<Way['begin']>[0]): Begun {
    const tx = this.open(patient ? PSQL : this.patience);
    tx.unflushed = unflushed;
    return {
      run: (label, text, values) => this.within(tx, label, text, values),
      end: (how) => this.end(tx, how),
    };
  }

  /** One statement of a transaction. After a failed one nothing but its end is taken. */
  private async within(
    tx: Transaction,
    label: string,
    text: string,
    values: readonly unknown[],
  ): Promise<Result> {
    if (tx.busy) throw new Error(`${label}: two statements of one transaction at once`);
    tx.busy = true;
    try {
      await this.turns.turn(label);
      if (this.dropped) await never();
      if (tx.broken !== null) throw tx.broken;
      if (tx.failed) throw new DatabaseFailure(CODES.failedTransaction, 'current transaction is aborted');
      if ((this.breaking?.(label) ?? null) !== null) {
        tx.broken = brokenOff();
        throw tx.broken;
      }
      const executed = this.execute(tx, label, text, values);
      return executed instanceof Promise ? await executed : executed;
    } catch (error) {
      tx.failed = true;
      // an error ends the transaction at once, and lets its locks go
      this.transactions.rollBack(tx);
      throw error;
    } finally {
      tx.busy = false;
    }
  }

  private async end(tx: Transaction, how: 'commit' | 'rollback'): Promise<void> {
    if (how === 'rollback' && tx.broken !== null) return;
    await this.turns.turn(how);
    if (this.dropped) await never();
    this.mine.delete(tx);
    if (tx.broken !== null) throw tx.broken;
    const breaks = how === 'commit' ? (this.breaking?.(how) ?? null) : null;
    // a COMMIT of a transaction that failed rolls back, and says nothing
    if (how === 'rollback' || tx.failed || breaks === 'before') this.transactions.rollBack(tx);
    else this.transactions.commit(tx);
    if (breaks === null) return;
    tx.broken = brokenOff();
    throw tx.broken;
  }
}
