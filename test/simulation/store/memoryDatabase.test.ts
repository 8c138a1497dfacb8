/** What only the memory Postgres does: processes that die, Postgres that crashes, connections that break, time that is virtual. */
import { parseRecordId, trusted } from '../../../src/core/ids';
import type { Turns } from '../engine/ports';
import { chanceOf } from '../world/chance';
import { createClock } from './interleaved';
import { createMemoryDatabase } from './memoryDatabase';
import type { MemoryDatabaseOptions } from './memoryDatabase';
import { CATALOG, NAMES } from './operations';

const STRIPE = NAMES[0]!;
const IDS = ['01', '02', '03', '04'].map((end) =>
  trusted(parseRecordId(`00000000-0000-7000-8000-0000000000${end}`), 'record id'),
);
const [ANN, BOB] = IDS as [(typeof IDS)[number], (typeof IDS)[number]];
const LIMIT = { rows: 1, inFlight: 100 };
const LEASE = { ms: 1000, maxMs: 3000 };

const drained = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** Sleepers go on when the clock is set to their time. */
function world(options: Partial<MemoryDatabaseOptions> = {}, seed = 1) {
  const clock = createClock();
  const sleepers: { until: number; wake: () => void }[] = [];
  const turns: Turns = {
    turn: async () => undefined,
    sleep: (ms) =>
      new Promise((resolve) => {
        sleepers.push({ until: clock.now_ms() + ms, wake: resolve });
      }),
  };
  const database = createMemoryDatabase({ clock, chance: chanceOf(seed), ...options });
  const pass = async (ms: number): Promise<void> => {
    await drained();
    clock.leap(ms);
    for (const { until, wake } of sleepers) if (until <= clock.now_ms()) wake();
    await drained();
  };
  return { database, turns, pass, connect: () => database.connect(turns) };
}

/** A transaction that holds the row of this record until `done`. */
async function holding(session: ReturnType<ReturnType<typeof world>['connect']>, id = ANN) {
  let done = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    done = resolve;
  });
  const transaction = session.store.transact(async (tx) => {
    await tx.queue.enqueue(CATALOG, [id], 'local');
    await ended;
  });
  await drained();
  return { done, transaction };
}

test('a process that dies lets go of its locks, and what it had not committed never was', async () => {
  const { database, connect } = world();
  const dead = connect();
  const { transaction } = await holding(dead);
  let heard = false;
  void transaction.then(() => (heard = true));
  const waits = connect().store.queue.enqueue(CATALOG, [ANN], 'webhook');
  dead.drop();
  await waits;
  expect(database.read().work_queue).toEqual([expect.objectContaining({ hint: 'webhook' })]);
  expect(heard).toBe(false);
});

test('a statement gives up after half a second behind a lock', async () => {
  const { connect, pass } = world();
  const { done, transaction } = await holding(connect());
  const late = connect().store.queue.enqueue(CATALOG, [ANN], 'webhook');
  const refused = expect(late).rejects.toMatchObject({ code: '55P03' });
  await pass(499);
  await pass(1);
  await refused;
  done();
  await transaction;
});

test('of two who wait crosswise one is the victim after a second, and its transaction runs again', async () => {
  const { database, connect, pass } = world({ lockTimeout_ms: Infinity });
  let attempts = 0;
  const both = [
    [ANN, BOB],
    [BOB, ANN],
  ].map(([first, second]) =>
    connect().store.transact(async (tx) => {
      attempts += 1;
      await tx.queue.enqueue(CATALOG, [first!], 'local');
      await drained();
      await tx.queue.enqueue(CATALOG, [second!], 'local');
    }),
  );
  await drained();
  await drained();
  await pass(1_000);
  await Promise.all(both);
  expect(attempts).toBe(3);
  expect(database.read().work_queue).toHaveLength(2);
});

test('a crash loses an end of the commits that did not wait for the disk, and none before a flushed one', async () => {
  const lost = new Set<number>();
  for (let seed = 1; seed <= 40; seed += 1) {
    const { database, connect } = world({}, seed);
    const { store } = connect();
    await store.queue.enqueue(CATALOG, IDS, 'local');
    // the claims are unflushed, each of one row
    for (let i = 0; i < 2; i += 1) await store.queue.claimDue(LIMIT, LEASE);
    await store.connections.register(STRIPE, 'memory');
    for (let i = 0; i < 2; i += 1) await store.queue.claimDue(LIMIT, LEASE);
    lost.add(database.crash());
    const claimed = database.read().work_queue.map((row) => row['rings'] === 1);
    expect(claimed.slice(0, 2)).toEqual([true, true]);
    expect(claimed[3] === true && claimed[2] === false).toBe(false);
    // sessions go on
    await store.connections.register(NAMES[1]!, 'memory');
    expect(database.read().connections).toHaveLength(2);
  }
  expect(lost.size).toBeGreaterThan(1);
});

test('a crash breaks off whoever is within a transaction or waits', async () => {
  const { database, connect } = world();
  const { done, transaction } = await holding(connect());
  const waits = connect().store.queue.enqueue(CATALOG, [ANN], 'webhook');
  await drained();
  database.crash();
  done();
  await expect(waits).rejects.toMatchObject({ code: '57P01' });
  await expect(transaction).rejects.toMatchObject({ code: '57P01' });
  expect(database.read().work_queue).toEqual([]);
});

test.each([
  ['before', 0],
  ['after', 1],
] as const)(
  'a connection that breaks %s a commit took effect tells its process the same',
  async (when, rows) => {
    const { database, connect } = world({ breaking: (label) => (label === 'commit' ? when : null) });
    const { store } = connect();
    await expect(store.transact((tx) => tx.queue.enqueue(CATALOG, [ANN], 'local'))).rejects.toMatchObject({
      code: '57P01',
    });
    expect(database.read().work_queue).toHaveLength(rows);
  },
);

test('whoever listens is told of what was queued after its commit, and not of what was rolled back', async () => {
  let told = 0;
  const { connect } = world({ onNotify: () => (told += 1) });
  const { store } = connect();
  const failing = store.transact(async (tx) => {
    await tx.queue.enqueue(CATALOG, [ANN], 'local');
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(told).toBe(0);
  await store.queue.enqueue(CATALOG, [ANN], 'local');
  expect(told).toBe(1);
});
