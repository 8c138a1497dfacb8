import { benches, STRIPE } from '../store/store-for-tests';
import { inLane } from './lane';
import { createPassage } from './passage';
import { createLimiter, USED_SHARE } from './limiter';
import { PROCESS_TIME } from './time';

const bench = benches();
const LIMITS = { perSecond: 100, perEndpoint: null, otherCodes: ['lock_timeout'] };
const EACH = 40;
/** What a burst may take at once: 200 ms of the limit, and one. */
const AT_ONCE = 21;

const ports = () => ({
  store: bench().store,
  ...PROCESS_TIME,
  log: { warn: () => undefined },
});

test('two workers share one limit: together they send no more than it allows, and both get their part', async () => {
  const began = performance.now();
  const workers = [1, 2].map(() => createLimiter(ports(), STRIPE, LIMITS));
  const ends = await Promise.all(
    workers.map((limiter) =>
      Promise.all(Array.from({ length: EACH }, () => limiter.admit('customers.retrieve', 'live'))),
    ),
  );
  const seconds = (performance.now() - began) / 1000;
  expect(ends.flat().every(({ kind }) => kind === 'go')).toBe(true);
  expect((2 * EACH - AT_ONCE) / seconds).toBeLessThan(LIMITS.perSecond * USED_SHARE);
});

describe('failure 6: a 429', () => {
  const rate = () => bench().store.paces.rateInForce(STRIPE, { name: 'all', perSecond: 98 });
  const refused = (code: string) => ({
    kind: 'failed' as const,
    failure: {
      kind: 'rate-limited' as const,
      code,
      param: null,
      status: 429,
      requestId: null,
      retryAfterMs: null,
      replayed: false,
      definite: false,
      unbegun: true,
    },
  });

  test('that tells of a lock slows nobody down; one that tells of too many requests slows down all', async () => {
    const passage = createPassage(ports(), STRIPE, LIMITS);
    await passage('customers.update', async () => refused('lock_timeout'));
    expect(await rate()).toBe(98);
    await inLane('bulk', () => passage('customers.update', async () => refused('rate_limit')));
    expect(await rate()).toBeLessThan(60);
  });
});
