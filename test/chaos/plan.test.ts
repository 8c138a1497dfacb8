import { FAULT_NAMES, FAULTS, resourcesOf } from './faults';
import { planFaults } from './nemesis';
import { planOperations } from './operations';

const TWO_MINUTES_MS = 120_000;
const HOURS_MS = 4 * 3_600_000;

test('the same seed plans the same faults and operations, another seed others', () => {
  const once = [planFaults(7, TWO_MINUTES_MS, FAULT_NAMES), planOperations(7, TWO_MINUTES_MS)];
  const again = [planFaults(7, TWO_MINUTES_MS, FAULT_NAMES), planOperations(7, TWO_MINUTES_MS)];
  const other = [planFaults(8, TWO_MINUTES_MS, FAULT_NAMES), planOperations(8, TWO_MINUTES_MS)];
  expect(again).toEqual(once);
  expect(other).not.toEqual(once);
});

test('a longer run begins as a shorter one of its seed', () => {
  const short = planFaults(7, TWO_MINUTES_MS, FAULT_NAMES);
  expect(planFaults(7, HOURS_MS, FAULT_NAMES).slice(0, short.length)).toEqual(short);
  const few = planOperations(7, TWO_MINUTES_MS);
  expect(planOperations(7, HOURS_MS).slice(0, few.length)).toEqual(few);
});

test('four hours have every fault on every target', () => {
  const had = new Set(planFaults(3, HOURS_MS, FAULT_NAMES).map(({ name, target }) => `${name} ${target}`));
  const all = FAULT_NAMES.flatMap((name) => FAULTS[name].targets.map((target) => `${name} ${target}`));
  expect(all.filter((one) => !had.has(one))).toEqual([]);
});

test('no two faults have one target at once', () => {
  const plan = planFaults(5, HOURS_MS, FAULT_NAMES);
  const overlaps = plan.filter(({ at_ms, target }, i) =>
    plan.slice(0, i).some((before) => {
      const both = resourcesOf(before.target).some((resource) => resourcesOf(target).includes(resource));
      return both && before.at_ms + before.for_ms > at_ms;
    }),
  );
  expect(overlaps).toEqual([]);
});

test('only the faults that were asked for are planned', () => {
  const names = new Set(planFaults(3, TWO_MINUTES_MS, ['cut', 'stripe-409']).map(({ name }) => name));
  expect([...names].toSorted()).toEqual(['cut', 'stripe-409']);
});
