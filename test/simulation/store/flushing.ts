/**
 * What a crash of Postgres may lose. The log is written in order, so it loses an end of it: commits that did not wait for the
 * disk and that no later commit carried there (postgresql.org/docs/current/wal-async-commit.html).
 */
import type { Chance } from '../engine/ports';

/** Undone in the opposite order. */
type Undo = () => void;

export class Flushing {
  private unflushed: Undo[] = [];
  private readonly sequences: Sequence[] = [];

  watch(sequence: Sequence): void {
    this.sequences.push(sequence);
  }

  write(undo: Undo): void {
    this.unflushed.push(undo);
  }

  flush(): void {
    if (this.unflushed.length > 0) this.unflushed = [];
  }

  get length(): number {
    return this.unflushed.length;
  }

  /** @returns how many entries of the log were lost */
  lose(chance: Chance): number {
    const lost = chance.int(this.unflushed.length + 1);
    for (const undo of this.unflushed.splice(this.unflushed.length - lost).toReversed()) undo();
    this.flush();
    for (const sequence of this.sequences) sequence.recover();
    return lost;
  }
}

/** Postgres logs this many numbers ahead (SEQ_LOG_VALS), and goes on behind them after a crash. */
const LOGGED_AHEAD = 32;

/**
 * Numbers are never taken back by a rollback. Only the log remembers them: where its entry is lost with an unflushed commit, the
 * same numbers are given out again.
 */
export class Sequence {
  private value = 0;
  private logged = 0;

  constructor(private readonly flushing: Flushing) {
    flushing.watch(this);
  }

  next(): number {
    this.value += 1;
    if (this.value > this.logged) this.log(this.value + LOGGED_AHEAD);
    return this.value;
  }

  set(value: number): void {
    this.value = value;
    this.log(value);
  }

  recover(): void {
    this.value = this.logged;
  }

  private log(logged: number): void {
    const before = this.logged;
    this.flushing.write(() => {
      this.logged = before;
    });
    this.logged = logged;
  }
}
