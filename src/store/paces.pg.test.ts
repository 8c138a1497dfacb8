import { benches, STRIPE } from './store-for-tests';

const bench = benches();
const FAR_MS = 60_000;
const ALL = { name: 'all', perSecond: 50 };
const READ = { name: 'read', perSecond: 10 };

/** The classes' next free moment is `inMs` from now, and nothing was ever refused. */
async function nextIn(inMs: number): Promise<void> {
  await bench().store.paces.prepare(STRIPE, ['all', 'read']);
  await bench().database.query(
    `update counterpart.paces set next_at = clock_timestamp() + $1 * interval '1 millisecond', slowed_at = null, slowed_to = null`,
    [inMs],
  );
}

async function nextAtMs(name: string): Promise<number> {
  return bench().value<number>(
    'select (extract(epoch from next_at) * 1000)::float8 from counterpart.paces where class = $1',
    [name],
  );
}

const take = (wanted: number, aheadMs = FAR_MS, classes = [ALL]) =>
  bench().store.paces.takeSlots(STRIPE, classes, { wanted, aheadMs, burstMs: 0 });

test('processes that take slots at the same time never get the same one', async () => {
  await nextIn(1_000);
  const before = await nextAtMs('all');
  const taken = await Promise.all(Array.from({ length: 12 }, (_, i) => take(i + 1)));
  const slots = taken.reduce((sum, { granted }) => sum + granted, 0);
  expect(slots).toBe(78);
  expect((await nextAtMs('all')) - before).toBeCloseTo(slots * 20, 0);
});

test('a slot of an endpoint is one of the whole account too, at the slower pace of both', async () => {
  await nextIn(1_000);
  const [all, read] = [await nextAtMs('all'), await nextAtMs('read')];
  const { granted, spacingMs } = await take(5, FAR_MS, [ALL, READ]);
  expect({ granted, spacingMs }).toEqual({ granted: 5, spacingMs: 100 });
  expect((await nextAtMs('read')) - read).toBeCloseTo(500, 0);
  expect((await nextAtMs('all')) - all).toBeCloseTo(100, 0);
});

test('nothing is given farther ahead than was asked: who looks less far gets nothing while others take it', async () => {
  await nextIn(30_000);
  expect(await take(5, 20_000)).toMatchObject({ granted: 0 });
  expect((await take(5, 20_000)).firstInMs).toBeGreaterThan(20_000);
  expect(await take(5, FAR_MS)).toMatchObject({ granted: 5 });
});

test('what nobody took is kept for a short burst and no longer', async () => {
  await nextIn(-3_600_000);
  const ask = { wanted: 1_000, aheadMs: 0, burstMs: 100 };
  const { granted, firstInMs } = await bench().store.paces.takeSlots(STRIPE, [ALL], ask);
  expect(granted).toBe(6);
  expect(firstInMs).toBeCloseTo(-100, 0);
});

test('failure 7: too many requests: half the pace for all, once for many refusals at a time, and as far away as was asked', async () => {
  await nextIn(0);
  const { slowDown, rateInForce } = bench().store.paces;
  await Promise.all([1, 2, 3, 4].map(() => slowDown(STRIPE, [ALL], 5_000)));
  expect(await rateInForce(STRIPE, ALL)).toBeCloseTo(25, 0);
  expect((await take(1, 1_000)).granted).toBe(0);
  expect((await take(1)).spacingMs).toBeCloseTo(40, 0);
});

test('failure 7: a second refusal within the second keeps away as long as it asks, and halves nothing', async () => {
  await nextIn(0);
  const { slowDown, rateInForce } = bench().store.paces;
  await slowDown(STRIPE, [ALL], 250);
  await slowDown(STRIPE, [ALL], 20_000);
  await slowDown(STRIPE, [ALL], 250);
  expect(await rateInForce(STRIPE, ALL)).toBeCloseTo(25, 0);
  expect((await take(1, 15_000)).granted).toBe(0);
  expect((await take(1)).granted).toBe(1);
});

test('it comes back slowly, and never falls below a tenth', async () => {
  await nextIn(0);
  const { slowDown, rateInForce } = bench().store.paces;
  const secondsPass = (seconds: number) =>
    bench().database.query(`update counterpart.paces set slowed_at = slowed_at - $1 * interval '1 second'`, [
      seconds,
    ]);
  for (let refusals = 0; refusals < 8; refusals += 1) {
    await slowDown(STRIPE, [ALL], null);
    await secondsPass(1.1);
  }
  expect(await rateInForce(STRIPE, ALL)).toBeGreaterThan(4.9);
  expect(await rateInForce(STRIPE, ALL)).toBeLessThan(8);
  await secondsPass(10);
  expect(await rateInForce(STRIPE, ALL)).toBeLessThan(20);
  await secondsPass(60);
  expect(await rateInForce(STRIPE, ALL)).toBe(50);
});

test('a class that nobody prepared is a mistake in our own code, and not a free pass', async () => {
  await expect(take(1, FAR_MS, [{ name: 'unheard of', perSecond: 1 }])).rejects.toThrow('was not prepared');
});
