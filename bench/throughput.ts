/** How many changes a second reach the other side when there are always more to do. */
import { LocalSide } from './localSide';
import type { Known } from './localSide';
import { crowd, until } from './pace';
import type { Rig } from './rig';

/** Writers at the simulator: each waits for its latency, so more of them than in Postgres. */
const REMOTE_WRITERS = 48;
const DRAIN_DEADLINE_MS = 240_000;
const POLL_MS = 100;

export interface Drained {
  readonly changes: number;
  readonly seconds: number;
  readonly perSecond: number;
}

function drained(changes: number, beganMs: number): Drained {
  const seconds = (performance.now() - beganMs) / 1000;
  return { changes, seconds, perSecond: changes / seconds };
}

/** Nothing is left to do: every finished look has taken its row out of the queue. */
export async function untilQuiet(rig: Rig): Promise<void> {
  await until(
    'the work queue is empty',
    DRAIN_DEADLINE_MS,
    POLL_MS,
    async () => (await rig.local.queueDepth()) === 0,
  );
}

/** @throws when a customer's name differs: a fast system that loses changes has no throughput */
async function proveEqual(rig: Rig, prefix: string, changes: number): Promise<void> {
  const [ours, theirs] = await Promise.all([rig.local.names(), rig.stripe.customers()]);
  const wrong = theirs.filter(({ id, name }) => ours.get(id) !== name).length;
  const changed = theirs.filter(({ name }) => name?.startsWith(prefix) === true).length;
  if (wrong > 0 || ours.size !== theirs.length || changed !== changes) {
    throw new Error(
      `${wrong} of ${theirs.length} customers differ (here: ${ours.size}); ${changed} of ${changes} changes are there`,
    );
  }
}

/** Customers born at Stripe, copied here: also how the bench gets its 2,000 linked customers. */
export async function firstCopy(rig: Rig, count: number): Promise<Drained> {
  const began = performance.now();
  const numbers = Array.from({ length: count }, (_, i) => i);
  await crowd(numbers, REMOTE_WRITERS, async (i) => {
    await rig.stripe.create({ name: `Born ${i}`, email: `customer-${i}@example.com` });
  });
  await until(
    'all customers arrived',
    DRAIN_DEADLINE_MS,
    POLL_MS,
    async () => (await rig.local.countNamed('Born ')) === count && (await rig.local.queueDepth()) === 0,
  );
  return drained(count, began);
}

/** Each of these customers renamed in Postgres, one statement each, until the queue is empty. */
export async function throughputOut(rig: Rig, customers: readonly Known[]): Promise<Drained> {
  const began = performance.now();
  await crowd(customers, LocalSide.writers, ({ id }) => rig.local.rename(id, `Outward ${id}`));
  await untilQuiet(rig);
  const result = drained(customers.length, began);
  await proveEqual(rig, 'Outward ', customers.length);
  return result;
}

/** Each of these customers renamed at the simulator, until all rows are here and the queue is empty. */
export async function throughputIn(rig: Rig, customers: readonly Known[]): Promise<Drained> {
  const began = performance.now();
  await crowd(customers, REMOTE_WRITERS, async ({ remoteId }) => {
    await rig.stripe.update(remoteId, { name: `Inward ${remoteId}` });
  });
  await until(
    'all changes arrived',
    DRAIN_DEADLINE_MS,
    POLL_MS,
    async () =>
      (await rig.local.countNamed('Inward ')) === customers.length && (await rig.local.queueDepth()) === 0,
  );
  const result = drained(customers.length, began);
  await proveEqual(rig, 'Inward ', customers.length);
  return result;
}
