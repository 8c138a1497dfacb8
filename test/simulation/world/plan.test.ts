import { planOf } from './draw';
import { CANARY, makePlan } from './plan';
import type { Act, Plan } from './plan';
import { shrink } from './shrink';
import { STORIES, storyPlans } from './stories';
import { tell } from './words';

const SEEDS = 400;
const drawn = Array.from({ length: SEEDS }, (_, seed) => makePlan(seed));

test('the same seed draws the same plan, and it is plain data', () => {
  for (const plan of drawn.slice(0, 50)) {
    expect(makePlan(plan.seed)).toEqual(plan);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  }
});

test('worlds of creations in doubt: the same seed draws the same, customers are only made here, and every create meets a fault', () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const plan = planOf('doubts', seed);
    expect(planOf('doubts', seed)).toEqual(plan);
    const made = plan.acts.flatMap(({ deed }) =>
      deed.kind === 'write here' ? deed.writes.filter(({ does }) => does === 'insert') : [],
    );
    const faults = plan.acts.filter(({ deed }) => deed.kind === 'fault' && deed.operation === 'create');
    expect(made.length).toBeGreaterThanOrEqual(6);
    expect(faults.length).toBeGreaterThanOrEqual(made.length);
    expect(plan.population).toEqual([]);
  }
});

test('the worlds are small, and a third of them each is calm, rough and wild', () => {
  const count = { calm: 0, rough: 0, wild: 0 };
  for (const { weather, population, acts } of drawn) {
    count[weather] += 1;
    expect(population.length).toBeGreaterThan(0);
    expect(population.length).toBeLessThanOrEqual(4);
    expect(acts.length).toBeLessThanOrEqual(14);
  }
  for (const plans of Object.values(count)) expect(plans).toBeGreaterThan(SEEDS / 5);
});

test('I16: every value has the canary in it', () => {
  const values = drawn.flatMap(({ population, acts }) => [
    ...population.flatMap(({ fields, theirs }) => [fields, theirs]),
    ...acts.flatMap(({ deed }) =>
      deed.kind === 'write here'
        ? deed.writes.map(({ fields }) => fields)
        : 'fields' in deed
          ? [deed.fields]
          : [],
    ),
  ]);
  for (const fields of values)
    for (const value of Object.values(fields))
      expect(value === null || value === '' || String(value).toLowerCase().includes(CANARY)).toBe(true);
});

test('a held plan has a fixed history: nothing in it waits for a call', () => {
  const held = drawn.filter((plan) => plan.held);
  expect(held.length).toBeGreaterThan(5);
  for (const { acts } of held) expect(acts.filter(({ when }) => when.kind === 'call')).toEqual([]);
});

test('there are more than fifty named stories, each with a name and a seed of its own, and all can be told', () => {
  expect(STORIES.length).toBeGreaterThan(50);
  const plans = storyPlans();
  expect(new Set(plans.map((plan) => plan.name)).size).toBe(plans.length);
  expect(new Set(plans.map(({ seed }) => seed)).size).toBe(plans.length);
  for (const plan of [...plans, ...drawn]) expect(tell(plan)).not.toMatch(/undefined|\[object/);
});

test('a story in words', () => {
  const plan = storyPlans().find((one) => one.name === '25: edited there between our reading and our write');
  expect(tell(plan!).split('\n').slice(1)).toEqual([
    'Conflicts: local; deletions here: propagate; workers A.',
    'Ann stands on all sides, in sync, with name "Canary a" and email "canary.a@example.com".',
    'After 0 ms: Ann gets name "Canary b" here.',
    'While the first update at stripe is on its way: Ann gets name "Canary there" at stripe.',
  ]);
});

test('a failing plan is cut down to the two acts and the one customer that it takes', async () => {
  const isEdit = ({ deed }: Act): boolean => deed.kind === 'edit there';
  const isWrite = ({ deed }: Act): boolean => deed.kind === 'write here';
  const isBad = ({ acts }: Plan): boolean => acts.some(isEdit) && acts.some(isWrite);
  const found = drawn.find(
    (plan) => isBad(plan) && plan.acts.length > 8 && plan.population.length > 2 && plan.weather !== 'calm',
  );
  const small = await shrink(found!, (plan) => Promise.resolve(isBad(plan)));
  expect(small.acts).toHaveLength(2);
  expect(small.population.length).toBeLessThanOrEqual(1);
  expect([small.rates.calls, small.rates.deaths, small.workers.length]).toEqual([{}, 0, 1]);
});
