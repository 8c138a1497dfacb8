import { REASON_CODES, REASONS } from './reason';
import { TREATMENT } from './failure';

describe('what a look does about a failed call', () => {
  test.each([
    ['rate-limited', 'retry'],
    ['unavailable', 'retry'],
    ['stale', 'retry'],
    ['unauthorized', 'pause'],
    ['rejected', 'park'],
    ['bug', 'park'],
    ['gone', 'verify-account'],
  ] as const)('%s: %s', (kind, treatment) => expect(TREATMENT[kind].treatment).toBe(treatment));

  test('failure 7: only the data and the call itself park a record, never the weather', () => {
    const parking = Object.entries(TREATMENT).flatMap(([kind, { treatment }]) =>
      treatment === 'park' ? [kind] : [],
    );
    expect(parking.toSorted()).toEqual(['bug', 'rejected']);
  });
});

test('every reason says what is the matter and what to do, in sentences', () => {
  for (const code of REASON_CODES) {
    expect(REASONS[code].message).toMatch(/^[A-Z].*\.$/);
    expect(REASONS[code].action).toMatch(/^[A-Z].*\.$/);
  }
});
