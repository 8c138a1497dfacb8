import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/** What stands in Postgres, read when Prometheus asks. */
export interface StoredNumbers {
  readonly queueDepth: number;
  /** Seconds; null when nothing waits. */
  readonly oldestPendingS: number | null;
  readonly parked: ReadonlyArray<{ connection: string; code: string; links: number }>;
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
  return (numbers) => {
    depth.set(numbers.queueDepth);
    oldest.set(numbers.oldestPendingS ?? 0);
    parked.reset();
    for (const { connection, code, links } of numbers.parked) parked.set({ connection, reason: code }, links);
  };
}
