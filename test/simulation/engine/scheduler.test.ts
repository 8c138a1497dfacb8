import { chanceOf } from '../world/chance';
import { Endless, Scheduler } from './scheduler';
import type { Owner } from './sleepers';

function open(seed: number, stepsMax = 1_000): Scheduler {
  return new Scheduler({ chance: chanceOf(seed), start_ms: 0, stepsMax });
}

const owner = (name: string): Owner => ({ name, alive: true });

async function race(seed: number): Promise<{ order: string; hash: string; now_ms: number }> {
  const scheduler = open(seed);
  const order: string[] = [];
  let left = 3;
  for (const name of ['a', 'b', 'c']) {
    const me = owner(name);
    const turns = scheduler.turnsOf(me);
    const work = async (): Promise<void> => {
      for (let step = 0; step < 3; step += 1) {
        await turns.turn(`step ${step}`);
        order.push(`${name}${step}`);
      }
      await scheduler.nap(me, 1_000, 'rests').over;
      left -= 1;
    };
    work().catch((error: unknown) => scheduler.fail(error));
  }
  await scheduler.run(() => left === 0);
  return { order: order.join(' '), hash: scheduler.hash.digest(), now_ms: scheduler.now_ms() };
}

test('I12: the seed alone decides who goes on; the same seed, the same order and the same hash', async () => {
  const first = await race(7);
  expect(await race(7)).toEqual(first);
  const others = await Promise.all([1, 2, 3, 4].map(race));
  expect(new Set(others.map(({ order }) => order)).size).toBeGreaterThan(1);
  expect(others.every(({ hash }) => hash !== first.hash)).toBe(true);
});

test('virtual time leaps to the next sleeper, and nobody is let go on before its time', async () => {
  const { now_ms } = await race(7);
  expect(now_ms).toBeGreaterThanOrEqual(1_000);
  expect(now_ms).toBeLessThan(1_100);
});

test('between two turns all microtasks run, however many follow from one another', async () => {
  const scheduler = open(1);
  const turns = scheduler.turnsOf(owner('a'));
  const seen: number[] = [];
  const work = async (): Promise<void> => {
    await turns.turn('first');
    for (let i = 0; i < 5_000; i += 1) await Promise.resolve();
    seen.push(scheduler.steps);
    await turns.turn('second');
    seen.push(scheduler.steps);
  };
  work().catch((error: unknown) => scheduler.fail(error));
  await scheduler.run(() => seen.length === 2);
  expect(seen).toEqual([1, 2]);
});

test('a dead process is never let go on', async () => {
  const scheduler = open(1);
  const dead = owner('dead');
  let went = false;
  void scheduler.nap(dead, 10, 'sleeps').over.then(() => (went = true));
  dead.alive = false;
  let over = false;
  scheduler.after(owner('other'), 100, 'ends', () => (over = true));
  await scheduler.run(() => over);
  expect(went).toBe(false);
});

test('a process that dies just as its turn comes does not get it', async () => {
  const scheduler = open(1);
  const dying = owner('dying');
  let went = false;
  void scheduler
    .turnsOf(dying)
    .turn('its last')
    .then(() => (went = true));
  scheduler.stallFor = (waiter) => {
    if (waiter.owner === dying) dying.alive = false;
    return 0;
  };
  let over = false;
  scheduler.after(owner('other'), 100, 'ends', () => (over = true));
  await scheduler.run(() => over);
  expect(went).toBe(false);
});

test('I14: what goes round in circles ends at the limit of turns', async () => {
  const scheduler = open(1, 50);
  const turns = scheduler.turnsOf(owner('a'));
  const work = async (): Promise<void> => {
    for (;;) await turns.turn('again');
  };
  work().catch((error: unknown) => scheduler.fail(error));
  await expect(scheduler.run(() => false)).rejects.toThrow(Endless);
});

test('a process that is kept goes on only when its time is over, and all others meanwhile', async () => {
  const scheduler = open(3);
  const kept = owner('kept');
  const times: Record<string, number> = {};
  void scheduler
    .turnsOf(kept)
    .turn('kept')
    .then(() => (times['kept'] = scheduler.now_ms()));
  void scheduler
    .turnsOf(owner('other'))
    .turn('other')
    .then(() => (times['other'] = scheduler.now_ms()));
  scheduler.stall(kept, 30_000);
  await scheduler.run(() => 'kept' in times);
  expect(times['other']).toBeLessThan(100);
  expect(times['kept']).toBeGreaterThanOrEqual(30_000);
  expect(scheduler.kept).toBe(0);
});
