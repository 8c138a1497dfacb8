import {
  type Loose,
  type Receiver,
  startForTest,
  startReceiver,
  type TestSimulator,
  until,
} from './client-for-tests';

let sim: TestSimulator;
let receiver: Receiver;
let nowMs = Date.now();
beforeAll(async () => {
  receiver = await startReceiver();
  sim = await startForTest({
    faults: true,
    clock: () => nowMs,
    webhook: { url: receiver.url, secret: 'whsec_x' },
  });
});
afterAll(async () => {
  await sim.close();
  await receiver.close();
});
beforeEach(async () => {
  await sim.call('POST', '/_sim/reset');
  receiver.received.length = 0;
});

const events = async (): Promise<Loose[]> => (await sim.call('GET', '/v1/events')).body.data;
const subjects = (list: Loose[]): string[] => list.map((event) => event.data.object.id);
const told = (): string[] => subjects(receiver.received.map((each) => each.event));

test('drop-events: the change makes no event, and no endpoint is told', async () => {
  await sim.fault({ name: 'drop-events' });
  await sim.customer();
  const { id } = await sim.customer();
  await until('the second is told', () => receiver.received.length > 0);
  expect([subjects(await events()), told()]).toEqual([[id], [id]]);
});

test('drop-deliveries: the event is listed, and no endpoint is told', async () => {
  await sim.fault({ name: 'drop-deliveries' });
  const untold = await sim.customer();
  const { id } = await sim.customer();
  await until('the second is told', () => receiver.received.length > 0);
  expect([subjects(await events()), told()]).toEqual([[id, untold.id], [id]]);
});

test('delay-events: it surfaces late, in lists at the place of its creation, and at endpoints', async () => {
  await sim.fault({ name: 'delay-events', delay_ms: 100 });
  const late = await sim.customer();
  const soon = await sim.customer();
  expect(subjects(await events())).toEqual([soon.id]);
  await until('the late event', async () => subjects(await events())[1] === late.id);
  await until('the late delivery', () => told()[1] === late.id);
});

test('double-events: every endpoint is told twice, of one event', async () => {
  await sim.fault({ name: 'double-events' });
  await sim.customer();
  await until('told twice', () => receiver.received.length === 2);
  expect(new Set(receiver.received.map((each) => each.event.id)).size).toBe(1);
  expect(await events()).toHaveLength(1);
});

test('reorder-events: endpoints are told after the next event; lists keep the order', async () => {
  await sim.fault({ name: 'reorder-events', delay_ms: 3_600_000 });
  const { id } = await sim.customer();
  await sim.call('POST', `/v1/customers/${id}`, { name: 'Bea' });
  await until('both are told', () => receiver.received.length === 2);
  const types = ['customer.updated', 'customer.created'];
  expect(receiver.received.map((each) => each.event.type)).toEqual(types);
  expect((await events()).map((event) => event.type)).toEqual(types);
});

test('reorder-events: if no other event comes, it is told after delay_ms', async () => {
  await sim.fault({ name: 'reorder-events', delay_ms: 50 });
  const { id } = await sim.customer();
  await until('it is told', () => told()[0] === id);
});

test('tie-events: it bears the second of the event before it', async () => {
  const { id } = await sim.customer();
  const [first] = await events();
  nowMs += 7_000;
  await sim.fault({ name: 'tie-events' });
  await sim.call('POST', `/v1/customers/${id}`, { name: 'Bea' });
  await sim.call('POST', `/v1/customers/${id}`, { name: 'Cleo' });
  expect((await events()).map((event) => event.created - first.created)).toEqual([7, 0, 0]);
});

test.each([
  ['strip-request', false, true],
  ['strip-previous', true, false],
])('%s: the event lacks that field only', async (name, hasRequest, hasPrevious) => {
  const { id } = await sim.customer();
  await sim.fault({ name });
  await sim.call('POST', `/v1/customers/${id}`, { name: 'Bea' });
  const [event] = await events();
  expect(['request' in event, 'previous_attributes' in event.data]).toEqual([hasRequest, hasPrevious]);
  expect(event.data.object.name).toBe('Bea');
});

test("what a person does on the page makes events as mistreated as anybody's", async () => {
  await sim.fault({ name: 'drop-events' });
  await sim.call('POST', '/v1/customers', { name: 'Ann' }, { headers: { 'x-simulator-page': '1' } });
  expect(await events()).toEqual([]);
});
