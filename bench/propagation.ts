/** How long one change takes to the other side while nothing else is going on. */
import type { Known } from './localSide';
import { paced, until } from './pace';
import { quantiles } from './quantiles';
import type { Quantiles } from './quantiles';
import { SIMULATOR_LATENCY_MS } from './rig';
import type { Rig } from './rig';
import { listenForEvents } from './stripeSide';

export const CHANGES_PER_S = 10;
const ARRIVAL_DEADLINE_MS = 30_000;
const POLL_MS = 20;

/** One call's names are no other's: a value that comes back again and again is taken for two systems at odds (`ping_pong`). */
let calls = 0;

/** Arrivals by the changed name, which is different for each change. */
class Arrivals {
  private readonly arrived = new Map<string, number>();

  note(name: string, atMs: number): void {
    if (!this.arrived.has(name)) this.arrived.set(name, atMs);
  }

  async since(began: ReadonlyMap<string, number>): Promise<number[]> {
    await until('the last changes arrived', ARRIVAL_DEADLINE_MS, POLL_MS, () =>
      [...began.keys()].every((name) => this.arrived.has(name)),
    );
    return [...began].map(([name, beganMs]) => (this.arrived.get(name) ?? Number.NaN) - beganMs);
  }
}

/**
 * Outward. From the moment the UPDATE is sent to Postgres (so its commit is included) until the bench's own webhook
 * endpoint has been told by the simulator, which tells when it has committed: 25 ms, half its latency, before it answers.
 */
export async function propagationOut(rig: Rig, customers: readonly Known[]): Promise<Quantiles> {
  const arrivals = new Arrivals();
  const began = new Map<string, number>();
  calls += 1;
  const run = calls;
  const listener = await listenForEvents();
  listener.onEvent = (event, arrivedMs) => arrivals.note(event.data.object.name ?? '', arrivedMs);
  const remove = await rig.stripe.addEndpoint(listener.url);
  try {
    await paced(customers.length, 1000 / CHANGES_PER_S, async (i) => {
      const name = `Out ${run}.${i}`;
      began.set(name, performance.now());
      await rig.local.rename(customers[i]?.id ?? '', name);
    });
    return quantiles(await arrivals.since(began));
  } finally {
    await remove();
    await listener.close();
  }
}

/**
 * Inward. From 25 ms after the bench sent its change to the simulator (which waits that half of its latency before it
 * commits, never less) until Postgres has notified the bench of the committed row.
 */
export async function propagationIn(rig: Rig, customers: readonly Known[]): Promise<Quantiles> {
  const arrivals = new Arrivals();
  const began = new Map<string, number>();
  calls += 1;
  const run = calls;
  const unwatch = await rig.local.watch((name, arrivedMs) => arrivals.note(name, arrivedMs));
  try {
    await paced(customers.length, 1000 / CHANGES_PER_S, async (i) => {
      const name = `In ${run}.${i}`;
      began.set(name, performance.now() + SIMULATOR_LATENCY_MS / 2);
      await rig.stripe.update(customers[i]?.remoteId ?? '', { name });
    });
    return quantiles(await arrivals.since(began));
  } finally {
    await unwatch();
  }
}
