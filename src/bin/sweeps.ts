/** Sweeps, wired for the worker: the rows that ask for them, the runs that make them, the schedule. */
import type { Client } from '@temporalio/client';
import { runSweepRelay } from '../queue/sweepRelay';
import { keepSweepSchedule, ringSweep } from '../temporal/sweeps';
import type { Assembly } from './assemble';

/** Runs until stopped. */
export function keepSweeping(
  parts: Pick<Assembly, 'store' | 'connectors' | 'config' | 'log'>,
  client: Client,
  until: { readonly pause: (ms: number) => Promise<void>; readonly stopped: () => boolean },
): Promise<void> {
  const { store, connectors, config, log } = parts;
  return runSweepRelay({
    ...until,
    sweeps: store.sweeps,
    queue: store.queue,
    connections: [...connectors.values()].map(({ connection, listEvents }) => ({
      name: connection,
      hasEvents: listEvents !== null,
    })),
    ring: (connection) => ringSweep(client, connection),
    keepSchedule: () => keepSweepSchedule(client, config.sweepCron),
    log,
  });
}
