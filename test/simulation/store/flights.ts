/**
 * Statements that are under way in a real Postgres. A step of the simulation is over when each has returned, or waits for a lock
 * as Postgres itself says.
 *
 * Whoever waits is halted. One transaction's end may let go on several at once (an INSERT that meets a row and a DELETE both wait
 * for the transaction itself, in no line), and which of them then has the row would be a matter of real time. So they go on one
 * after the other, in the order in which they were begun, each until it has returned or waits again.
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
  /** Its server process is halted while it waits for a lock; one that waits there holds nothing that others need to go on. */
  halted: boolean;
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
      if (this.moving().length === 0) this.allLanded?.();
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
    const { halted, pid } = flight;
    flight.cancelled = why;
    flight.halted = false;
    const told = this.monitor.query('select pg_cancel_backend($1)', [pid]);
    // it meets its cancellation before anything that it was granted meanwhile
    if (halted) void told.then(() => process.kill(pid, 'SIGCONT'));
  }

  /** Nobody is halted any more; the run is over. */
  letAllMove(): void {
    for (const flight of this.under) if (flight.halted) this.letMove(flight);
  }

  private letMove(flight: Flight): void {
    flight.halted = false;
    process.kill(flight.pid, 'SIGCONT');
  }

  private moving(): Flight[] {
    return [...this.under].filter(({ halted }) => !halted);
  }

  async settled(): Promise<void> {
    for (;;) {
      // whatever goes on with an answer has sent its next statement by then
      await turnOfLoop();
      if (this.moving().length > 0) await this.haltThoseWhoWait();
      else if (this.under.size > 0 && (await this.letOneMove())) continue;
      else if (this.letOneGoOn()) continue;
      else break;
    }
    for (const flight of [...this.under].filter(({ waited }) => !waited)) {
      flight.waited = true;
      flight.onWaiting();
    }
  }

  private async haltThoseWhoWait(): Promise<void> {
    await this.landedWithin(ASK_AFTER_MS);
    const asked = this.moving();
    if (asked.length === 0 || asked.some(({ selfTimed, cancelled }) => selfTimed || cancelled !== null))
      return;
    const waits = await this.blockersOf(asked);
    if (asked.some((flight) => !this.under.has(flight) || waits.get(flight.pid)?.length === 0)) return;
    for (const flight of asked) {
      process.kill(flight.pid, 'SIGSTOP');
      flight.halted = true;
    }
  }

  /**
   * Of those who are halted the first that waits for nobody any more. If each of them does, who closed a circle is its victim.
   * @returns whether there was one
   */
  private async letOneMove(): Promise<boolean> {
    const halted = [...this.under];
    const waits = await this.blockersOf(halted);
    const free = halted.find(({ pid }) => waits.get(pid)?.length === 0);
    if (free !== undefined) {
      this.letMove(free);
      return true;
    }
    const victim = halted.findLast(({ pid }) => reaches(waits, pid, pid, new Set()));
    if (victim === undefined) return false;
    this.cancel(victim, new DatabaseFailure(CODES.deadlock, 'deadlock detected'));
    return true;
  }

  private async blockersOf(flights: readonly Flight[]): Promise<Map<number, number[]>> {
    const { rows } = await this.monitor.query<{ pid: number; blockers: number[] }>(
      'select pid, pg_blocking_pids(pid) as blockers from unnest($1::int[]) as pid',
      [flights.map(({ pid }) => pid)],
    );
    return new Map(rows.map(({ pid, blockers }) => [pid, blockers]));
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
