/**
 * ORDER. Rings the run of every open sweep: once when it was asked for, and again when it stands still, because the run may be
 * gone. Asks for the first sweep of each connection, and gives the hints that are owed. Whoever asks for a sweep writes a row; nobody needs Temporal for that.
 */
import type { Store } from '../store/store';

type Sweeps = Store['sweeps'];
type ConnectionName = Parameters<Sweeps['requestFirst']>[0];

export interface SweepRelayPorts {
  readonly sweeps: Pick<Sweeps, 'requestFirst' | 'claimUnrung'>;
  readonly queue: Pick<Store['queue'], 'placeOwed'>;
  /** All configured connections, and whether each has an event list. */
  readonly connections: ReadonlyArray<{ readonly name: ConnectionName; readonly hasEvents: boolean }>;
  /** Starts the connection's run, or tells the open one. @throws when Temporal did not take it */
  readonly ring: (connection: ConnectionName) => Promise<void>;
  /** Brings the nightly schedule up to date. @throws when Temporal did not take it */
  readonly keepSchedule: () => Promise<void>;
  /** Resolves after `ms` or when the process is stopping. */
  readonly pause: (ms: number) => Promise<void>;
  readonly stopped: () => boolean;
  readonly log: { warn(fields: object, message: string): void };
}

const POLL_MS = 1_000;
/** A sweep that made no step for so long is rung again: longer than its run ever waits, and than an attempt may take. */
const IDLE_MS = 90_000;
const SCHEDULE_RETRY_MS = 60_000;

/** Runs until stopped. */
export async function runSweepRelay(ports: SweepRelayPorts): Promise<void> {
  const { sweeps, log } = ports;
  const begun = new Set<ConnectionName>();
  let schedule_in_ms = 0;

  async function keepSchedule(): Promise<void> {
    schedule_in_ms -= POLL_MS;
    if (schedule_in_ms > 0 || schedule_in_ms === Number.NEGATIVE_INFINITY) return;
    schedule_in_ms = SCHEDULE_RETRY_MS;
    await ports.keepSchedule();
    schedule_in_ms = Number.NEGATIVE_INFINITY;
  }

  async function turn(): Promise<void> {
    await ports.queue.placeOwed();
    for (const { name, hasEvents } of ports.connections) {
      if (!begun.has(name) && (await sweeps.requestFirst(name, hasEvents))) begun.add(name);
    }
    const unrung = await sweeps.claimUnrung(
      ports.connections.map(({ name }) => name),
      IDLE_MS,
    );
    for (const connection of unrung) await ports.ring(connection);
  }

  while (!ports.stopped()) {
    try {
      await turn();
    } catch (error) {
      log.warn({ err: error }, 'open sweeps could not be rung; tried again');
    }
    try {
      await keepSchedule();
    } catch (error) {
      log.warn({ err: error }, 'the schedule of sweeps was not accepted; tried again');
    }
    await ports.pause(POLL_MS);
  }
}
