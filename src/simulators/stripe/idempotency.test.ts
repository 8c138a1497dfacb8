import { startForTest, type TestSimulator } from './client-for-tests';

let sim: TestSimulator;
let nowMs = Date.now();
beforeAll(async () => {
  sim = await startForTest({ clock: () => nowMs, faults: true });
});
afterAll(() => sim.close());
beforeEach(() => sim.call('POST', '/_sim/reset'));

const create = (form: Record<string, string>, key: string) =>
  sim.call('POST', '/v1/customers', form, { key });
const customers = async (): Promise<number> => (await sim.call('GET', '/v1/customers')).body.data.length;

test('the same key and parameters replay the first answer, in whatever order they are sent', async () => {
  const first = await create({ name: 'Ann', email: 'a@b.co' }, 'k');
  const again = await create({ email: 'a@b.co', name: 'Ann' }, 'k');
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(again.headers.get('original-request')).toBe(first.headers.get('request-id'));
  expect(again.headers.get('request-id')).not.toBe(first.headers.get('request-id'));
  expect(first.headers.get('idempotent-replayed')).toBeNull();
  expect(await customers()).toBe(1);
});

test('an answer is replayed as it was, though the customer has changed since', async () => {
  const first = await create({ name: 'Ann' }, 'k');
  await sim.call('POST', `/v1/customers/${first.body.id}`, { name: 'Bea' });
  expect((await create({ name: 'Ann' }, 'k')).body.name).toBe('Ann');
});

test('the same key with other parameters or on another endpoint is an idempotency_error', async () => {
  const { body } = await create({ name: 'Ann' }, 'k');
  const other = await create({ name: 'Bea' }, 'k');
  expect(other).toMatchObject({ status: 400, body: { error: { type: 'idempotency_error' } } });
  const elsewhere = await sim.call('POST', `/v1/customers/${body.id}`, { name: 'Ann' }, { key: 'k' });
  expect(elsewhere).toMatchObject({ status: 400, body: { error: { type: 'idempotency_error' } } });
});

test('a request that failed validation leaves its key free', async () => {
  expect((await create({ email: 'foo' }, 'k')).status).toBe(400);
  expect((await create({ email: 'foo@bar.com' }, 'k')).status).toBe(200);
});

test('an error of the execution is kept and replayed', async () => {
  const first = await sim.call('POST', '/v1/customers/cus_none', { name: 'x' }, { key: 'k' });
  const again = await sim.call('POST', '/v1/customers/cus_none', { name: 'x' }, { key: 'k' });
  expect([first.status, again.status]).toEqual([404, 404]);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
});

test('while the first request runs, a second one with its key is a conflict', async () => {
  await sim.fault({ name: 'slow', delay_ms: 150, method: 'POST' });
  const [a, b] = await Promise.all([create({ name: 'Ann' }, 'k'), create({ name: 'Ann' }, 'k')]);
  const statuses = [a.status, b.status].toSorted((x, y) => x - y);
  expect(statuses).toEqual([200, 409]);
  const conflict = a.status === 409 ? a : b;
  expect(conflict.body.error.code).toBe('idempotency_key_in_use');
  expect(await customers()).toBe(1);
});

test('keys have no effect on DELETE', async () => {
  const { id } = await sim.customer();
  const first = await sim.call('DELETE', `/v1/customers/${id}`, undefined, { key: 'k' });
  const again = await sim.call('DELETE', `/v1/customers/${id}`, undefined, { key: 'k' });
  expect([first.status, again.status]).toEqual([200, 404]);
});

test('after 24 hours a key is forgotten, and the request is executed anew', async () => {
  await create({ name: 'Ann' }, 'k');
  nowMs += 24 * 3_600_000 - 1_000;
  expect((await create({ name: 'Ann' }, 'k')).headers.get('idempotent-replayed')).toBe('true');
  nowMs += 2_000;
  expect((await create({ name: 'Ann' }, 'k')).headers.get('idempotent-replayed')).toBeNull();
  expect(await customers()).toBe(2);
});

test('a key longer than 255 characters is refused', async () => {
  expect((await create({ name: 'Ann' }, 'k'.repeat(256))).status).toBe(400);
});
