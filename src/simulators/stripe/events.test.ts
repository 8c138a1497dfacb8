import { startForTest, type TestSimulator } from './client-for-tests';

let sim: TestSimulator;
let nowMs = Date.now();
beforeAll(async () => {
  sim = await startForTest({ clock: () => nowMs, maxEvents: 20 });
});
afterAll(() => sim.close());
beforeEach(() => sim.call('POST', '/_sim/reset'));

const newest = async () => (await sim.call('GET', '/v1/events?limit=1')).body.data[0];

test('a creation says which request and which key made it', async () => {
  const answer = await sim.call('POST', '/v1/customers', { name: 'Ann' }, { key: 'my-key' });
  expect(await newest()).toMatchObject({
    id: expect.stringMatching(/^evt_/),
    object: 'event',
    type: 'customer.created',
    livemode: false,
    pending_webhooks: 0,
    request: { id: answer.headers.get('request-id'), idempotency_key: 'my-key' },
    data: { object: answer.body },
  });
});

test('an update shows the old values of what changed, and nothing else', async () => {
  const { id } = await sim.customer({
    name: 'Ann',
    email: 'a@b.co',
    'metadata[keep]': '1',
    'metadata[edit]': '1',
  });
  await sim.call('POST', `/v1/customers/${id}`, {
    name: 'Bea',
    email: 'a@b.co',
    'metadata[edit]': '2',
    'metadata[add]': '3',
    'address[city]': 'Bern',
  });
  expect((await newest()).data.previous_attributes).toEqual({
    name: 'Ann',
    address: null,
    metadata: { edit: '1', add: null },
  });
  await sim.call('POST', `/v1/customers/${id}`, { 'address[city]': 'Basel' });
  expect((await newest()).data.previous_attributes).toEqual({ address: { city: 'Bern' } });
});

test('an update that changes nothing makes no event', async () => {
  const { id } = await sim.customer({ name: 'Ann' });
  await sim.call('POST', `/v1/customers/${id}`, { name: 'Ann' });
  expect((await newest()).type).toBe('customer.created');
});

test('an event keeps the customer as it was, though it has changed or gone since', async () => {
  const { id } = await sim.customer({ name: 'Ann' });
  const created = await newest();
  await sim.call('POST', `/v1/customers/${id}`, { name: 'Bea' });
  await sim.call('DELETE', `/v1/customers/${id}`, undefined, { key: 'ignored' });
  expect((await sim.call('GET', `/v1/events/${created.id}`)).body.data.object.name).toBe('Ann');
  expect(await newest()).toMatchObject({
    type: 'customer.deleted',
    request: { idempotency_key: null },
    data: { object: { id, name: 'Bea' } },
  });
});

test('lists filter by type, types and time, and page', async () => {
  const { id } = await sim.customer();
  await sim.call('POST', `/v1/customers/${id}`, { name: 'Bea' });
  await sim.call('DELETE', `/v1/customers/${id}`);
  const types = async (query: string): Promise<string[]> =>
    (await sim.call('GET', `/v1/events?${query}`)).body.data.map((each: { type: string }) => each.type);
  expect(await types('')).toEqual(['customer.deleted', 'customer.updated', 'customer.created']);
  expect(await types('type=customer.created')).toEqual(['customer.created']);
  expect(await types('type=customer.*')).toHaveLength(3);
  expect(await types('types[]=customer.created&types[]=customer.updated')).toHaveLength(2);
  const { id: last } = await newest();
  expect(await types(`starting_after=${last}&limit=1`)).toEqual(['customer.updated']);
  expect((await sim.call('GET', '/v1/events?type=a.b&types[]=c.d')).status).toBe(400);
});

test('events older than 30 days are gone, and never more are kept than the bound', async () => {
  for (let i = 0; i < 25; i += 1) await sim.customer();
  expect((await sim.call('GET', '/v1/events?limit=100')).body.data).toHaveLength(20);
  nowMs += 30 * 24 * 3_600_000 + 2_000;
  expect((await sim.call('GET', '/v1/events')).body.data).toEqual([]);
  expect((await sim.call('GET', '/v1/events/evt_none')).status).toBe(404);
});
