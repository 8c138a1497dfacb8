/**
 * Statements that are under way in a real Postgres. A step of the simulation is over when each has returned, or waits for a lock
 * as Postgres itself says.
 */
import type { Client } from 'pg';
import { CODES, DatabaseFailure } from './failure';
import { codeOf } from './way';

export interface Flight {
  readonly pid: number;
  /** Goes on by itself after a time of its own: no step ends before it does. */
  readonly selfTimed: boolean;
  /** Called once, when a step ended while it waited. */
  readonly onWaiting: () => void;
  waited: boolean;
  /** Why it was cancelled by us; Postgres says only that it was. */
  cancelled: Error | null;
}

/** Most statements return sooner; only then is Postgres asked. */
const ASK_AFTER_MS = 2;

const turnOfLoop = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

export class Flights {
  private readonly under = new Set<Flight>();
  /** Those that have returned and were not let go on, by the order in which they were begun. */
  private readonly landed: Array<{ readonly order: number; readonly go: () => void }> = [];
  private begun = 0;
  private allLanded: (() => void) | null = null;

  constructor(private readonly monitor: Client) {}

  /**
   * An answer is handed on by `settled`, and in the order in which the statements were begun: which of two that one commit let go
   * on comes back first is a matter of real time.
   */
  async fly<T>(flight: Flight, work: () => Promise<T>): Promise<T> {
    this.begun += 1;
    const order = this.begun;
    this.under.add(flight);
    try {
      return await work();
    } catch (error) {
      if (flight.cancelled !== null && codeOf(error) === CODES.queryCanceled) throw flight.cancelled;
      throw error;
    } finally {
      this.under.delete(flight);
      if (this.under.size === 0) this.allLanded?.();
      await new Promise<void>((go) => void this.landed.push({ order, go }));
    }
  }

  /** @returns whether there was one */
  private letOneGoOn(): boolean {
    const [first] = this.landed.toSorted((a, b) => a.order - b.order);
    if (first === undefined) return false;
    this.landed.splice(this.landed.indexOf(first), 1);
    first.go();
    return true;
  }

  private async landedWithin(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, ms);
      this.allLanded = () => {
        clearTimeout(late);
        resolve();
      };
    });
    this.allLanded = null;
  }

  /** So that those who wait, and go on when another one ends, see the same clock. */
  async tellClock(now_ms: number): Promise<void> {
    if (this.under.size > 1) await this.monitor.query(`select setval('virtual.clock', $1)`, [now_ms]);
  }

  cancel(flight: Flight, why: Error): void {
    flight.cancelled = why;
    void this.monitor.query('select pg_cancel_backend($1)', [flight.pid]);
  }

  async settled(): Promise<void> {
    for (;;) {
      // whatever goes on with an answer has sent its next statement by then
      await turnOfLoop();
      if (this.under.size === 0) {
        if (this.letOneGoOn()) continue;
        return;
      }
      await this.landedWithin(ASK_AFTER_MS);
      if (this.under.size === 0) continue;
      const asked = [...this.under];
      if (asked.some(({ selfTimed, cancelled }) => selfTimed || cancelled !== null)) continue;
      if (await this.allWait(asked)) {
        if (this.letOneGoOn()) continue;
        for (const flight of asked.filter(({ waited }) => !waited)) {
          flight.waited = true;
          flight.onWaiting();
        }
        return;
      }
    }
  }

  /** Whether each of these waits for a lock. Who closed a circle is its victim. */
  private async allWait(flights: readonly Flight[]): Promise<boolean> {
    const { rows } = await this.monitor.query<{ pid: number; blockers: number[] }>(
      'select pid, pg_blocking_pids(pid) as blockers from unnest($1::int[]) as pid',
      [flights.map(({ pid }) => pid)],
    );
    const waits = new Map(rows.map(({ pid, blockers }) => [pid, blockers]));
    if (flights.some((flight) => !this.under.has(flight))) return false;
    if (rows.some(({ blockers }) => blockers.length === 0)) return false;
    const victim = flights.findLast(({ pid }) => reaches(waits, pid, pid, new Set()));
    if (victim !== undefined) this.cancel(victim, new DatabaseFailure(CODES.deadlock, 'deadlock detected'));
    return victim === undefined;
  }
}

function reaches(
  waits: ReadonlyMap<number, readonly number[]>,
  from: number,
  to: number,
  seen: Set<number>,
): boolean {
  return (waits.get(from) ?? []).some((other) => {
    if (other === to) return true;
    if (seen.has(other)) return false;
    seen.add(other);
    return reaches(waits, other, to, seen);
  });
}
