import { deletionsAllowed } from './deleteGuard';

const GUARD = { count: 50, percent: 5, windowMs: 600_000 };

test.each([
  [10, 50],
  [1_000, 50],
  [1_001, 51],
  [10_000, 500],
  [20_000, 1_000],
  [5_000_000, 1_000],
])('of %i linked records %i may be deleted in a window', (linked, allowed) => {
  expect(deletionsAllowed(GUARD, linked)).toBe(allowed);
});

test('a number that a person set above the share counts, however large', () => {
  expect(deletionsAllowed({ ...GUARD, count: 20_000 }, 10)).toBe(20_000);
  expect(deletionsAllowed({ ...GUARD, percent: 0 }, 1_000_000)).toBe(50);
});
