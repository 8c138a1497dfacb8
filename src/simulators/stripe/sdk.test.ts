// oxlint-disable-next-line import/no-named-as-default -- the library's documented import; its named export is a type
import Stripe from 'stripe';
import { startForTest, type TestSimulator } from './client-for-tests';

let sim: TestSimulator;
let stripe: Stripe;
beforeAll(async () => {
  sim = await startForTest({ faults: true });
  stripe = new Stripe('sk_test_x', {
    host: '127.0.0.1',
    port: sim.port,
    protocol: 'http',
    telemetry: false,
    maxNetworkRetries: 0,
  });
});
afterAll(() => sim.close());
beforeEach(() => sim.call('POST', '/_sim/reset'));

test('the vendor’s library creates, reads, edits, lists and deletes', async () => {
  const made = await stripe.customers.create({
    name: 'Ann',
    email: 'ann@example.com',
    metadata: { plan: 'gold' },
  });
  expect(made.lastResponse.requestId).toMatch(/^req_/);
  const edited = await stripe.customers.update(made.id, { name: 'Bea', metadata: { plan: null } });
  expect(edited).toMatchObject({ name: 'Bea', email: 'ann@example.com', metadata: {} });
  const listed = await stripe.customers.list({ email: 'ann@example.com', created: { gte: made.created } });
  expect(listed.data.map((each) => each.id)).toEqual([made.id]);
  expect(await stripe.customers.del(made.id)).toMatchObject({ deleted: true });
  expect(await stripe.customers.retrieve(made.id)).toMatchObject({ deleted: true });
});

test('its automatic paging walks all customers, newest first', async () => {
  for (let i = 0; i < 7; i += 1) await stripe.customers.create({ name: `n${i}` });
  const names: (string | null | undefined)[] = [];
  for await (const customer of stripe.customers.list({ limit: 3 })) names.push(customer.name);
  expect(names).toEqual(['n6', 'n5', 'n4', 'n3', 'n2', 'n1', 'n0']);
});

test('its events carry the key it sent', async () => {
  await stripe.customers.create({ name: 'Ann' }, { idempotencyKey: 'key-1' });
  const events = await stripe.events.list({ types: ['customer.created', 'customer.deleted'] });
  expect(events.data[0]?.request?.idempotency_key).toBe('key-1');
  expect((await stripe.events.retrieve(events.data[0]?.id ?? '')).type).toBe('customer.created');
});

test('its endpoints and account', async () => {
  const made = await stripe.webhookEndpoints.create({
    url: 'http://127.0.0.1:9/',
    enabled_events: ['customer.created', 'customer.updated'],
    metadata: { by: 'test' },
  });
  expect(made.secret).toMatch(/^whsec_/);
  const disabled = await stripe.webhookEndpoints.update(made.id, { disabled: true });
  expect(disabled.status).toBe('disabled');
  expect((await stripe.webhookEndpoints.list()).data).toHaveLength(1);
  expect((await stripe.webhookEndpoints.del(made.id)).deleted).toBe(true);
  expect((await stripe.accounts.retrieveCurrent()).id).toBe('acct_sim');
});

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => null).catch((error: unknown) => error);

test('its errors have the classes, codes and headers they have against the real one', async () => {
  expect(await failure(stripe.customers.retrieve('cus_none'))).toMatchObject({
    type: 'StripeInvalidRequestError',
    statusCode: 404,
    code: 'resource_missing',
  });
  expect(await failure(stripe.customers.create({ email: 'foo' }))).toMatchObject({
    code: 'email_invalid',
    param: 'email',
  });
  await stripe.customers.create({ name: 'a' }, { idempotencyKey: 'k' });
  expect(await failure(stripe.customers.create({ name: 'b' }, { idempotencyKey: 'k' }))).toMatchObject({
    rawType: 'idempotency_error',
  });
  await sim.fault({ name: 'rate_limited', reason: 'endpoint-rate' });
  expect(await failure(stripe.customers.list())).toMatchObject({
    type: 'StripeRateLimitError',
    headers: { 'stripe-rate-limited-reason': 'endpoint-rate' },
  });
  await sim.fault({ name: 'unauthorized' });
  expect(await failure(stripe.customers.list())).toMatchObject({ type: 'StripeAuthenticationError' });
});

test('a lost answer: the library tries once more by itself, and the key keeps it to one customer', async () => {
  await sim.fault({ name: 'answer_lost' });
  const made = await stripe.customers.create({ name: 'Ann' }, { idempotencyKey: 'k' });
  expect((await stripe.customers.list()).data.map((each) => each.id)).toEqual([made.id]);
  const posts = (await sim.requests()).filter((each) => each.method === 'POST');
  expect(posts.map((each) => [each.outcome, each.replayed])).toEqual([
    ['answer_lost', false],
    ['answered', true],
  ]);
});
