/**
 * ORDER. The relay takes due rows from the work queue and rings the doorbell of each record's workflow. The row is the
 * truth and stays until a finished look deletes it; a ring that gets lost is rung again when its lease is over.
 * May touch: its ports, and types of src/store. Touched by: src/bin/worker.
 */
import type { DueRecord } from '../store/workQueue';
import type { Store } from '../store/store';

export interface Doorbell {
  /** Starts or signals the record's workflow. @throws when Temporal did not take it */
  ring(record: DueRecord): Promise<void>;
}

export interface RelayPorts {
  readonly queue: Pick<Store['queue'], 'claimDue' | 'unclaim' | 'msUntilDue'>;
  readonly doorbell: Doorbell;
  /** Resolves after `ms`, or as soon as the queue was written to or the relay is being stopped. */
  readonly wake: (ms: number) => Promise<void>;
  /** Rows rung and not answered, at most. Default: `IN_FLIGHT_ROWS`. */
  readonly inFlightRows?: number;
  readonly log: { warn(fields: object, message: string): void; info(fields: object, message: string): void };
}

/** Rows claimed and rung together. */
const BATCH_ROWS = 64;
/**
 * Rung and not answered yet, over all relays. More than the lease lets one machine answer is rung again for nothing.
 * Measured at 11 to 22 looks/s, 800 changes outward: 500 rows cost 7.4 actions a change, 192 the 6.0 of an idle system.
 */
const IN_FLIGHT_ROWS = 192;
/**
 * Of them, rows of a bulk. Temporal serves looks in the order in which they were rung, so an edit waits for these, about a
 * fifth of a second; and they are as many as keep two cores busy.
 */
const BULK_IN_FLIGHT_ROWS = 16;
/** At that bound, rows are looked for again after this time; looks do not say when they end. */
const FULL_POLL_MS = 50;
/** A look takes well under a second; a ring that brought none in this time is rung again. */
const LEASE_MS = 10_000;
const LEASE_MAX_MS = 300_000;
/** The net below LISTEN/NOTIFY. */
const SLOW_POLL_MS = 2_000;
/** Pause after trouble, doubled up to the last one. */
const TROUBLE_FIRST_MS = 200;
const TROUBLE_LAST_MS = 5_000;

function longer(ms: number): number {
  return Math.min(Math.max(ms * 2, TROUBLE_FIRST_MS), TROUBLE_LAST_MS);
}

export interface Relay {
  /** Runs until stopped. */
  run(): Promise<void>;
  stop(): void;
}

export function createRelay(ports: RelayPorts): Relay {
  let stopped = false;
  // the pause that the last trouble with each of the two asked for; 0 while it answers
  let temporal_ms = 0;
  let postgres_ms = 0;

  async function ringAll(due: readonly DueRecord[]): Promise<void> {
    const rings = await Promise.allSettled(due.map((record) => ports.doorbell.ring(record)));
    const failed = due.filter((_, i) => rings[i]?.status === 'rejected');
    if (failed.length === 0) {
      if (temporal_ms > 0) ports.log.info({}, 'Temporal answers again');
      temporal_ms = 0;
      return;
    }
    const first = rings.find((ring) => ring.status === 'rejected');
    if (temporal_ms === 0)
      ports.log.warn({ err: first?.reason, records: failed.length }, 'Temporal does not take rings');
    temporal_ms = longer(temporal_ms);
    await ports.queue.unclaim(failed, temporal_ms);
  }

  async function turn(): Promise<void> {
    const due = await ports.queue.claimDue(
      { rows: BATCH_ROWS, inFlight: ports.inFlightRows ?? IN_FLIGHT_ROWS, bulk: BULK_IN_FLIGHT_ROWS },
      { ms: LEASE_MS, maxMs: LEASE_MAX_MS },
    );
    postgres_ms = 0;
    if (due.length > 0) await ringAll(due);
    // where nothing is due nothing was tried, and what was not taken has its own due time
    if (temporal_ms > 0 && due.length > 0) return ports.wake(temporal_ms);
    if (due.length === BATCH_ROWS) return undefined;
    const ms = await ports.queue.msUntilDue();
    if (ms === 0) return due.length > 0 ? undefined : ports.wake(FULL_POLL_MS);
    return ports.wake(Math.min(ms ?? SLOW_POLL_MS, SLOW_POLL_MS));
  }

  return {
    async run() {
      while (!stopped) {
        try {
          await turn();
        } catch (error) {
          postgres_ms = longer(postgres_ms);
          ports.log.warn({ err: error, retry_in_ms: postgres_ms }, 'the relay could not read the work queue');
          await ports.wake(postgres_ms);
        }
      }
    },
    stop() {
      stopped = true;
    },
  };
}
