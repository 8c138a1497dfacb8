import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/** What stands in Postgres, read when Prometheus asks. */
export interface StoredNumbers {
  readonly queueDepth: number;
  /** Seconds; null when nothing waits. */
  readonly oldestPendingS: number | null;
  readonly parked: ReadonlyArray<{ connection: string; code: string; links: number }>;
  /** Records that wait for a connection, and the age of the oldest hint among them. */
  readonly waiting: ReadonlyArray<{ connection: string; records: number; oldestS: number }>;
  /** Seconds since each event list was last read to its end. */
  readonly polls: ReadonlyArray<{ connection: string; polledAgoS: number }>;
  readonly connections: ReadonlyArray<{ connection: string; paused: boolean; down: boolean }>;
}

/** @returns sets the gauges; to be called before the registry is printed */
export function createGauges(registry: Registry): (numbers: StoredNumbers) => void {
  const depth = new Gauge({
    name: 'counterpart_queue_depth',
    help: 'Records that need a look.',
    registers: [registry],
  });
  const oldest = new Gauge({
    name: 'counterpart_oldest_pending_seconds',
    help: 'Age of the oldest hint that no look has answered and that waits for no connection; 0 when there is none.',
    registers: [registry],
  });
  const parked = new Gauge({
    name: 'counterpart_parked',
    help: 'Links set aside, by reason.',
    labelNames: ['connection', 'reason'],
    registers: [registry],
  });
  const paused = new Gauge({
    name: 'counterpart_connection_paused',
    help: '1 while nothing is sent to this connection, else 0.',
    labelNames: ['connection'],
    registers: [registry],
  });
  const breaker = new Gauge({
    name: 'counterpart_breaker_open',
    help: '1 while this connection does not answer and is asked once a second only, else 0.',
    labelNames: ['connection'],
    registers: [registry],
  });
  const pollAge = new Gauge({
    name: 'counterpart_poll_age_seconds',
    help: 'Since the event list of this connection was last read.',
    labelNames: ['connection'],
    registers: [registry],
  });
  const waiting = new Gauge({
    name: 'counterpart_waiting',
    help: 'Records that wait for this connection: it is paused or down, or each try at them failed.',
    labelNames: ['connection'],
    registers: [registry],
  });
  const oldestWaiting = new Gauge({
    name: 'counterpart_oldest_waiting_seconds',
    help: 'Age of the oldest hint that waits for this connection; 0 when there is none.',
    labelNames: ['connection'],
    registers: [registry],
  });
  return (numbers) => {
    depth.set(numbers.queueDepth);
    oldest.set(numbers.oldestPendingS ?? 0);
    pollAge.reset();
    for (const { connection, polledAgoS } of numbers.polls) pollAge.set({ connection }, polledAgoS);
    for (const one of numbers.connections) paused.set({ connection: one.connection }, one.paused ? 1 : 0);
    for (const one of numbers.connections) breaker.set({ connection: one.connection }, one.down ? 1 : 0);
    // A connection that nothing waits for tells 0: a gauge that is gone looks like an api that is gone.
    for (const { connection } of numbers.connections) {
      const found = numbers.waiting.find((one) => one.connection === connection);
      waiting.set({ connection }, found?.records ?? 0);
      oldestWaiting.set({ connection }, found?.oldestS ?? 0);
    }
    parked.reset();
    for (const { connection, code, links } of numbers.parked) parked.set({ connection, reason: code }, links);
  };
}
