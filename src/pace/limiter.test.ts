import { parseConnectionName, trusted } from '../core/ids';
import type { Limits } from '../connectors/passage';
import { classesOf, createLimiter, WAIT_MAX_MS } from './limiter';
import type { LimiterPorts } from './limiter';

const STRIPE = trusted(parseConnectionName('stripe'), 'connection name');
const limits = (perSecond: number | null, perEndpoint: number | null = null): Limits => ({
  perSecond,
  perEndpoint,
  otherCodes: [],
});

/** Time that stands still until everybody waits for it. */
function standingClock() {
  let now = 0;
  const waiting: Array<{ at: number; wake: () => void }> = [];
  const rest = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    now: () => now,
    sleep: (ms: number) =>
      new Promise<void>((wake) => void waiting.push({ at: now + Math.max(0, ms), wake })),
    async run(untilMs: number) {
      for (await rest(); ; await rest()) {
        const next = waiting.toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined || next.at > untilMs) return;
        waiting.splice(waiting.indexOf(next), 1);
        now = next.at;
        next.wake();
      }
    },
  };
}

type Take = LimiterPorts['store']['paces']['takeSlots'];

/** One row in Postgres, as `takeSlots` keeps it, on the standing clock. */
function pacesOf(clock: { now: () => number }) {
  let nextAt = 0;
  const asked: number[] = [];
  const takeSlots: Take = async (_connection, [first], { wanted, aheadMs, burstMs }) => {
    asked.push(wanted);
    const spacingMs = 1000 / first!.perSecond;
    const from = Math.max(nextAt, clock.now() - burstMs);
    const room = 1 + Math.floor((clock.now() + aheadMs - from) / spacingMs);
    const granted = Math.max(0, Math.min(wanted, room));
    if (granted > 0) nextAt = from + granted * spacingMs;
    return { granted, firstInMs: from - clock.now(), spacingMs };
  };
  return { asked, paces: { prepare: async () => undefined, takeSlots, slowDown: async () => undefined } };
}

test('requests leave evenly, at the share of the limit that is used, and no time is lost between two chunks', async () => {
  const clock = standingClock();
  const { asked, paces } = pacesOf(clock);
  const limiter = createLimiter({ store: { paces }, ...clock }, STRIPE, limits(25));
  const left: number[] = [];
  for (let i = 0; i < 60; i += 1) {
    void limiter.admit('read', 'live').then(({ kind }) => kind === 'go' && left.push(clock.now()));
  }
  await clock.run(10_000);
  expect(left).toHaveLength(60);
  const gaps = left.slice(8).map((at, i) => at - left[i + 7]!);
  for (const gap of gaps) expect(gap).toBeCloseTo(1000 / 24.5, 5);
  // one statement serves several requests
  expect(asked.length).toBeLessThan(20);
});

test('a request that would wait too long is refused, and those behind it are not held up by it', async () => {
  const clock = standingClock();
  const { paces } = pacesOf(clock);
  const limiter = createLimiter({ store: { paces }, ...clock }, STRIPE, limits(10));
  const ends: string[] = [];
  for (let i = 0; i < 100; i += 1) {
    void limiter.admit('read', 'live').then(({ kind }) => ends.push(kind));
  }
  await clock.run(WAIT_MAX_MS + 1_000);
  expect(ends).toHaveLength(100);
  // 3 s at 9.8 a second, and what of a burst and of the slots ahead comes on top
  const gone = ends.filter((kind) => kind === 'go').length;
  expect(gone).toBeGreaterThan(28);
  expect(gone).toBeLessThan(36);
  const late = limiter.admit('read', 'live');
  await clock.run(WAIT_MAX_MS + 2_000);
  expect(await late).toEqual({ kind: 'go' });
});

test('live requests take their turn before bulk ones that waited longer', async () => {
  const clock = standingClock();
  const { paces } = pacesOf(clock);
  const limiter = createLimiter({ store: { paces }, ...clock }, STRIPE, limits(20));
  const gone: string[] = [];
  const send = (lane: 'live' | 'bulk') =>
    void limiter.admit('read', lane).then(({ kind }) => kind === 'go' && gone.push(lane));
  for (let i = 0; i < 60; i += 1) send('bulk');
  await clock.run(1_000);
  const before = gone.length;
  for (let i = 0; i < 20; i += 1) send('live');
  await clock.run(2_100);
  const since = gone.slice(before);
  expect(since.filter((lane) => lane === 'live')).toHaveLength(20);
  // what bulk had taken already, at most 90 ms ahead
  expect(since.filter((lane) => lane === 'bulk').length).toBeLessThan(5);
});

test('where live requests want all there is, bulk ones still get one slot a second', async () => {
  const clock = standingClock();
  const { paces } = pacesOf(clock);
  const limiter = createLimiter({ store: { paces }, ...clock }, STRIPE, limits(20));
  const gone = { live: 0, bulk: 0 };
  const send = (lane: 'live' | 'bulk') =>
    void limiter.admit('read', lane).then(({ kind }) => (gone[lane] += kind === 'go' ? 1 : 0));
  for (let i = 0; i < 100; i += 1) send('live');
  for (let i = 0; i < 10; i += 1) send('bulk');
  await clock.run(2_900);
  expect(gone.bulk).toBeGreaterThanOrEqual(1);
  expect(gone.bulk).toBeLessThanOrEqual(2);
  expect(gone.live).toBeGreaterThan(50);
});

test('without a limit Postgres is not asked', async () => {
  const refuse = () => Promise.reject(new Error('asked'));
  const paces = { prepare: refuse, takeSlots: refuse, slowDown: refuse };
  const clock = standingClock();
  const limiter = createLimiter({ store: { paces }, ...clock }, STRIPE, limits(null));
  expect(await limiter.admit('read', 'live')).toEqual({ kind: 'go' });
  await limiter.tooFast('read', null);
});

test('Postgres away: who waits for a slot hears of it, and the next request asks anew', async () => {
  const clock = standingClock();
  const { paces } = pacesOf(clock);
  let away = true;
  const takeSlots: Take = (...all) => (away ? Promise.reject(new Error('away')) : paces.takeSlots(...all));
  const store = { paces: { ...paces, takeSlots } };
  const limiter = createLimiter({ store, ...clock }, STRIPE, limits(10));
  await expect(limiter.admit('read', 'live')).rejects.toThrow('away');
  away = false;
  expect(await limiter.admit('read', 'live')).toEqual({ kind: 'go' });
});

test.each(['served', 'failed'])(
  'I14: whoever asks just when the last one before it was %s is not forgotten',
  async (end) => {
    for (let ticks = 0; ticks < 12; ticks += 1) {
      const clock = standingClock();
      const { paces } = pacesOf(clock);
      let first = true;
      let second: Promise<unknown> | null = null;
      const takeSlots: Take = async (...all) => {
        const slots = await paces.takeSlots(...all);
        if (!first) return slots;
        first = false;
        let later = Promise.resolve();
        for (let tick = 0; tick < ticks; tick += 1) later = later.then(() => undefined);
        second = later.then(() => limiter.admit('read', 'live')).catch(() => 'heard of it');
        if (end === 'failed') throw new Error('away');
        return slots;
      };
      const limiter = createLimiter(
        { store: { paces: { ...paces, takeSlots } }, ...clock },
        STRIPE,
        limits(10),
      );
      await limiter.admit('read', 'live').catch(() => undefined);
      let answered = false;
      void second!.finally(() => (answered = true));
      await clock.run(WAIT_MAX_MS + 1_000);
      expect({ ticks, answered }).toEqual({ ticks, answered: true });
    }
  },
);

test('an endpoint is counted by itself only where it is narrower than the account', () => {
  const names = (...[account, endpoint]: Parameters<typeof limits>) =>
    classesOf(limits(account, endpoint), 'customers.create').map(({ name }) => name);
  expect(names(100, 25)).toEqual(['all', 'customers.create']);
  expect(names(25, 25)).toEqual(['all']);
  expect(names(null, 25)).toEqual(['customers.create']);
});
