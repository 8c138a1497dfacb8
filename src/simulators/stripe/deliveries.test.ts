// oxlint-disable-next-line import/no-named-as-default -- the library's documented import; its named export is a type
import Stripe from 'stripe';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Receiver, startForTest, startReceiver, type TestSimulator, until } from './client-for-tests';

const SECRET = 'whsec_test';
const schedule = { firstRetryMs: 20, maxRetryMs: 60, timeoutMs: 150 };
const stripe = new Stripe('sk_test_x');

let receiver: Receiver;
let sim: TestSimulator;
beforeEach(async () => {
  receiver = await startReceiver();
  sim = await startForTest({ webhook: { url: receiver.url, secret: SECRET }, deliverySchedule: schedule });
});
afterEach(async () => {
  await sim.close();
  await receiver.close();
});

test('an edit arrives signed, so that the vendor’s own library accepts it', async () => {
  const { id } = await sim.customer({ name: 'Zoë 🙂' });
  await until('one delivery', () => receiver.received.length === 1);
  const [first] = receiver.received;
  const event = stripe.webhooks.constructEvent(first?.body ?? '', first?.signature ?? '', SECRET);
  expect(event).toMatchObject({ type: 'customer.created', pending_webhooks: 1, data: { object: { id } } });
  expect(() =>
    stripe.webhooks.constructEvent(first?.body ?? '', first?.signature ?? '', 'whsec_other'),
  ).toThrow();
  await until(
    'nothing pending',
    async () => (await sim.call('GET', '/v1/events')).body.data[0].pending_webhooks === 0,
  );
});

test('a refused delivery comes again until it is accepted: after 500, after a redirect, after silence', async () => {
  receiver.answers.push(500, 302, 0, 204);
  await sim.customer();
  await until('four attempts', () => receiver.received.length === 4);
  expect(new Set(receiver.received.map((each) => each.event.id)).size).toBe(1);
  await until('delivered', async () => {
    const { data } = (await sim.call('GET', '/_sim/deliveries')).body;
    return data[0].state === 'delivered' && data[0].attempts === 4;
  });
});

test('an endpoint made by a call gets the types it asked for; its secret is shown once', async () => {
  const other = await startReceiver();
  const made = await sim.call('POST', '/v1/webhook_endpoints', {
    url: other.url,
    'enabled_events[]': 'customer.deleted',
    description: 'deletes only',
  });
  expect(made.body).toMatchObject({
    object: 'webhook_endpoint',
    status: 'enabled',
    secret: expect.stringMatching(/^whsec_/),
  });
  expect((await sim.call('GET', `/v1/webhook_endpoints/${made.body.id}`)).body.secret).toBeUndefined();
  const { id } = await sim.customer();
  await sim.call('DELETE', `/v1/customers/${id}`);
  await until('one delivery', () => other.received.length === 1);
  const [only] = other.received;
  stripe.webhooks.constructEvent(only?.body ?? '', only?.signature ?? '', made.body.secret);
  expect(only?.event.type).toBe('customer.deleted');
  await other.close();
});

test('a disabled endpoint hears nothing, an enabled one hears again, a deleted one is gone', async () => {
  const made = await sim.call('POST', '/v1/webhook_endpoints', {
    url: receiver.url,
    'enabled_events[]': '*',
  });
  const path = `/v1/webhook_endpoints/${made.body.id}`;
  expect((await sim.call('POST', path, { disabled: 'true' })).body.status).toBe('disabled');
  await sim.customer();
  await until('the other endpoint only', () => receiver.received.length === 1);
  await sim.call('POST', path, { disabled: 'false' });
  await sim.customer();
  await until('both endpoints', () => receiver.received.length === 3);
  expect((await sim.call('DELETE', path)).body).toMatchObject({ deleted: true });
  expect((await sim.call('GET', path)).status).toBe(404);
});

const nobody = () =>
  sim.call('POST', '/v1/webhook_endpoints', { url: 'http://127.0.0.1:9/', 'enabled_events[]': '*' });

test('the seventeenth endpoint is refused', async () => {
  // One of the sixteen is the endpoint given at the start.
  for (let i = 0; i < 15; i += 1) expect((await nobody()).status).toBe(200);
  expect((await nobody()).status).toBe(400);
});

test('one endpoint that never answers holds up no other', async () => {
  const silent = await startReceiver();
  silent.answers.push(...Array.from({ length: 200 }, () => 0));
  await sim.call('POST', '/v1/webhook_endpoints', { url: silent.url, 'enabled_events[]': '*' });
  for (let i = 0; i < 30; i += 1) await sim.customer();
  await until('all thirty at the other', () => receiver.received.length === 30);
  await silent.close();
});

test('what was not delivered before a stop is delivered after the next start', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'sim-'));
  const webhook = { url: receiver.url, secret: SECRET };
  const port = Number(new URL(receiver.url).port);
  await receiver.close();
  const before = await startForTest({ dataDir, webhook, deliverySchedule: schedule });
  const { id } = await before.customer();
  await before.close();
  receiver = await startReceiver(port);
  const after = await startForTest({ dataDir, webhook, deliverySchedule: schedule });
  await until('the late delivery', () => receiver.received.length === 1);
  expect(receiver.received[0]?.event.data.object.id).toBe(id);
  await after.close();
  await rm(dataDir, { recursive: true });
});
