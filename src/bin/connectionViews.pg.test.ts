import { loadConfig } from '../config';
import { createGauges } from '../observability/gauges';
import { createMetrics } from '../observability/metrics';
import { benches, CUSTOMER, STRIPE } from '../store/store-for-tests';
import { listConnections } from './connectionViews';

const bench = benches();
const LIMITED = loadConfig({ STRIPE_RATE_LIMIT: '40' });

const view = async (config = LIMITED) => (await listConnections({ store: bench().store, config }))[0]!;

beforeAll(() => bench().store.connections.register(STRIPE, 'stripe'));
afterEach(() => bench().store.breakers.close(STRIPE));

test('a connection that does not answer says since when, with what, when it is asked next and how many wait', async () => {
  expect(await view()).toMatchObject({ state: 'active', reason: null, breaker: null, waiting: 0 });
  const { store } = bench();
  const id = await bench().insert();
  const seq = (await store.queue.readHint(CUSTOMER, id))!.seq;
  await store.queue.postpone(CUSTOMER, id, seq, { on: [STRIPE], ms: 3_600_000, putAway: true });
  expect(await store.breakers.open(STRIPE, 'ECONNREFUSED')).toBe(true);
  expect(await store.breakers.open(STRIPE, 'deadline')).toBe(false);
  const { state, reason, breaker, waiting } = await view();
  expect({ state, waiting }).toEqual({ state: 'down', waiting: 1 });
  expect(reason).toMatchObject({
    code: 'unavailable',
    detail: 'the connection stripe is down: ECONNREFUSED',
    since: breaker?.open_since,
  });
  expect(breaker).toMatchObject({ last_failure: 'ECONNREFUSED' });
  expect(Date.parse(breaker!.next_probe_at!)).toBeGreaterThan(Date.parse(breaker!.open_since));
});

test('an operator’s pause is told before the breaker underneath it', async () => {
  const { connections, breakers } = bench().store;
  await breakers.open(STRIPE, 'deadline');
  await connections.pause(STRIPE, { code: 'paused', detail: null });
  expect(await view()).toMatchObject({ state: 'paused', breaker: { last_failure: 'deadline' } });
  await connections.resume(STRIPE);
});

test('the limit is told as it was set, and what is left of it after a 429', async () => {
  const { paces } = bench().store;
  expect((await view()).rate_limit).toEqual({ per_second: 40, per_endpoint: null, now_per_second: 40 });
  await paces.prepare(STRIPE, ['all']);
  await paces.slowDown(STRIPE, [{ name: 'all', perSecond: 40 * 0.98 }], null);
  const { per_second: set, now_per_second: left } = (await view()).rate_limit!;
  expect(set).toBe(40);
  expect(left).toBeGreaterThanOrEqual(20);
  expect(left).toBeLessThan(30);
  expect((await view(loadConfig({ STRIPE_RATE_LIMIT: '0' }))).rate_limit).toBeNull();
});

test('what Stripe allows is the limit where nothing is set: by mode, and none for servers that we do not know', () => {
  const limits = (env: Record<string, string>) => loadConfig(env).connections[0]?.limits;
  expect(limits({ STRIPE_API_KEY: 'sk_test_0123456789' })).toMatchObject({ perSecond: 25, perEndpoint: 25 });
  expect(limits({ STRIPE_API_KEY: 'sk_live_0123456789', ALLOW_LIVE: '1' })).toMatchObject({
    perSecond: 100,
    perEndpoint: 25,
  });
  expect(limits({ SIMULATOR_RATE_LIMIT: '12' })).toMatchObject({ perSecond: 12, perEndpoint: null });
  expect(limits({ STRIPE_API_BASE: 'http://127.0.0.1:9' })).toMatchObject({ perSecond: null });
  expect(() => loadConfig({ STRIPE_RATE_LIMIT: 'fast' })).toThrow('STRIPE_RATE_LIMIT must be the requests');
});

test('dashboards see an open breaker, and what waits for each connection until nothing does', async () => {
  const { registry } = createMetrics('test');
  const set = createGauges(registry);
  const numbers = {
    queueDepth: 0,
    oldestPendingS: null,
    waiting: [{ connection: 'stripe', records: 3, oldestS: 4_000 }],
    parked: [],
    polls: [],
    connections: [{ connection: 'stripe', paused: false, down: true }],
  };
  set(numbers);
  const told = await registry.metrics();
  expect(told).toMatch(/counterpart_breaker_open\{connection="stripe".*\} 1/);
  expect(told).toMatch(/counterpart_waiting\{connection="stripe".*\} 3/);
  expect(told).toMatch(/counterpart_oldest_waiting_seconds\{connection="stripe".*\} 4000/);
  set({ ...numbers, waiting: [] });
  const later = await registry.metrics();
  expect(later).toMatch(/counterpart_waiting\{connection="stripe".*\} 0/);
  expect(later).toMatch(/counterpart_oldest_waiting_seconds\{connection="stripe".*\} 0/);
});
