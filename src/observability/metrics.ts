import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  remoteCall(connection: string, operation: string, outcome: string): void;
  /** A record's workflow was told to look. */
  rang(): void;
  propagated(direction: 'out' | 'in', seconds: number): void;
  readonly heard: (connection: string, result: string) => void;
}

/** Seconds; the promise is a second or two, so the buckets are finest below that. */
const PROPAGATION_BUCKETS_S = [0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 1800];

/** Counters of this process. What stands in Postgres (queue depth, parked records) is read from there at scrape time. */
export function createMetrics(process_name: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ process: process_name });
  collectDefaultMetrics({ register: registry });
  const calls = new Counter({
    name: 'counterpart_remote_calls_total',
    help: 'Calls to remote systems by outcome: ok or the kind of failure.',
    labelNames: ['connection', 'operation', 'outcome'],
    registers: [registry],
  });
  const propagation = new Histogram({
    name: 'counterpart_propagation_seconds',
    help: 'From the first hint of a change to the acknowledged look.',
    labelNames: ['direction'],
    buckets: PROPAGATION_BUCKETS_S,
    registers: [registry],
  });
  const rings = new Counter({
    name: 'counterpart_rings_total',
    help: 'Records whose workflow was told to look.',
    registers: [registry],
  });
  const webhooks = new Counter({
    name: 'counterpart_webhooks_total',
    help: 'Events heard, by webhook or poll, by what was made of them.',
    labelNames: ['connection', 'result'],
    registers: [registry],
  });
  const echoes = new Counter({
    name: 'counterpart_echoes_total',
    help: 'Events that only told of our own writes.',
    labelNames: ['connection'],
    registers: [registry],
  });
  return {
    registry,
    remoteCall: (connection, operation, outcome) => calls.inc({ connection, operation, outcome }),
    rang: () => rings.inc(),
    propagated: (direction, seconds) => propagation.observe({ direction }, seconds),
    heard(connection, result) {
      webhooks.inc({ connection, result });
      if (result === 'echo') echoes.inc({ connection });
    },
  };
}

/**
 * Failed runs, counted in Temporal at scrape time; absent from a scrape during which it does not answer.
 * @param count @throws when it cannot be told now
 */
export function gaugeFailedRuns(registry: Registry, namespace: string, count: () => Promise<number>): void {
  const gauge: Gauge<'namespace'> = new Gauge({
    name: 'counterpart_failed_runs',
    help: 'Workflow runs that failed (a deploy they could not replay), as far as Temporal keeps them.',
    labelNames: ['namespace'],
    registers: [registry],
    async collect() {
      try {
        gauge.set({ namespace }, await count());
      } catch {
        gauge.reset(); // the readiness of the worker says that Temporal does not answer
      }
    },
  });
}
