import { type Receiver, startForTest, startReceiver, type TestSimulator, until } from './client-for-tests';

let sim: TestSimulator;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
  sim = await startForTest({ faults: true, webhook: { url: receiver.url, secret: 'whsec_x' } });
});
afterAll(async () => {
  await sim.close();
  await receiver.close();
});
beforeEach(async () => {
  await sim.call('POST', '/_sim/reset');
  receiver.received.length = 0;
});

const create = (key = 'k') => sim.call('POST', '/v1/customers', { name: 'Ann' }, { key });
const count = async (): Promise<number> => (await sim.call('GET', '/v1/customers')).body.data.length;

test('the answer is lost after the commit; the same key then replays it, and there is one customer', async () => {
  await sim.fault({ name: 'answer_lost', method: 'POST', path: '/v1/customers' });
  await expect(create()).rejects.toThrow();
  expect(await count()).toBe(1);
  const again = await create();
  expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
  expect(await count()).toBe(1);
  expect((await sim.requests())[0]).toMatchObject({ outcome: 'answer_lost', status: 200, replayed: false });
});

test('a 500 is kept under its key: nothing was made, and only a new key makes it', async () => {
  await sim.fault({ name: 'error_500' });
  const [first, again] = [await create(), await create()];
  expect([first.status, again.status]).toEqual([500, 500]);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(await count()).toBe(0);
  expect((await create('k2')).status).toBe(200);
});

test('a 500 after the commit is replayed too, though the customer exists', async () => {
  await sim.fault({ name: 'error_500_committed' });
  expect([(await create()).status, (await create()).status, await count()]).toEqual([500, 500, 1]);
});

test.each([
  ['refuse_503', 503, { type: 'api_error' }, null],
  ['rate_limited', 429, { code: 'rate_limit' }, 'global-rate'],
  ['lock_timeout', 429, { code: 'lock_timeout' }, null],
  ['unauthorized', 401, { type: 'invalid_request_error' }, null],
  ['conflict_409', 409, { code: 'idempotency_key_in_use' }, null],
])('%s answers %i once, keeps nothing, and the next try works', async (name, status, error, reason) => {
  await sim.fault({ name });
  const refused = await create();
  expect(refused).toMatchObject({ status, body: { error } });
  expect(refused.headers.get('stripe-rate-limited-reason')).toBe(reason);
  const next = await create();
  expect([next.status, next.headers.get('idempotent-replayed')]).toEqual([200, null]);
});

test('a cut connection and a hang process nothing', async () => {
  await sim.fault({ name: 'reset' }, { name: 'hang', delay_ms: 30 });
  await expect(create()).rejects.toThrow();
  await expect(create()).rejects.toThrow();
  expect(await count()).toBe(0);
});

test('under another account every object is missing, and ours is untouched', async () => {
  const { id } = await sim.customer();
  await sim.fault({ name: 'other_account', times: 2 });
  expect((await sim.call('GET', '/v1/account')).body.id).toBe('acct_other');
  expect((await sim.call('GET', `/v1/customers/${id}`)).status).toBe(404);
  expect((await sim.call('GET', `/v1/customers/${id}`)).status).toBe(200);
});

test('events are dropped, doubled, stripped and late', async () => {
  await sim.fault({ name: 'drop_events' });
  await sim.customer();
  expect((await sim.call('GET', '/v1/events')).body.data).toEqual([]);
  await sim.fault({ name: 'double_events' }, { name: 'strip_request' });
  await sim.customer();
  await until('told twice', () => receiver.received.length === 2);
  expect(receiver.received[0]?.event).not.toHaveProperty('request');
  await sim.fault({ name: 'delay_events', delay_ms: 100 });
  const late = await sim.customer();
  const soon = await sim.customer();
  const listed = async () =>
    (await sim.call('GET', '/v1/events')).body.data.map(
      (each: { data: { object: { id: string } } }) => each.data.object.id,
    );
  expect((await listed()).slice(0, 1)).toEqual([soon.id]);
  // It surfaces at the place of its creation, below what came after it.
  await until('the late event', async () => (await listed())[1] === late.id);
});

test('a fault waits, strikes as often as told, and can be cleared', async () => {
  await sim.fault({ name: 'refuse_503', after: 1, times: 2, path: '/v1/customers/:id', method: 'POST' });
  const { id } = await sim.customer();
  const statuses: number[] = [];
  for (let i = 0; i < 4; i += 1)
    statuses.push((await sim.call('POST', `/v1/customers/${id}`, { name: `${i}` })).status);
  expect(statuses).toEqual([200, 503, 503, 200]);
  await sim.fault({ name: 'refuse_503', times: null });
  expect((await create()).status).toBe(503);
  expect((await sim.call('DELETE', '/_sim/faults')).body.data).toEqual([]);
  expect((await create()).status).toBe(200);
});

test('expired keys: the same request makes a second customer', async () => {
  await create();
  await sim.fault({ name: 'expire_keys' });
  await create();
  expect(await count()).toBe(2);
});

test('an unknown name is refused with the known ones, and nothing is changed', async () => {
  const refused = await sim.fault({ name: 'refuse_503' }, { name: 'gremlins' });
  expect(refused.status).toBe(400);
  expect(refused.body.error).toContain('answer_lost');
  expect((await sim.call('GET', '/_sim/faults')).body.data).toEqual([]);
  expect((await sim.fault({ name: 'reset', often: true })).status).toBe(400);
});

test('without SIMULATOR_FAULTS=1 there are no faults', async () => {
  const plain = await startForTest();
  expect((await plain.fault({ name: 'reset' })).status).toBe(404);
  expect((await plain.call('GET', '/_sim/faults')).status).toBe(404);
  await plain.close();
});

test('a person at the page is spared the faults meant for programs', async () => {
  await sim.fault({ name: 'refuse_503', times: null });
  const headers = { 'x-simulator-page': '1' };
  expect((await sim.call('POST', '/v1/customers', { name: 'Ann' }, { headers })).status).toBe(200);
  expect((await sim.requests()).at(-1)).toMatchObject({ from: 'page', idempotency_key: null });
});
