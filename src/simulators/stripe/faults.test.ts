import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Reply, startForTest, type TestSimulator, until } from './client-for-tests';

let sim: TestSimulator;
let nowMs = Date.now();
beforeAll(async () => {
  sim = await startForTest({ faults: true, clock: () => nowMs });
});
afterAll(() => sim.close());
beforeEach(() => sim.call('POST', '/_sim/reset'));

const create = (key = 'k') => sim.call('POST', '/v1/customers', { name: 'Ann' }, { key });
const count = async (): Promise<number> => (await sim.call('GET', '/v1/customers')).body.data.length;
const isReplay = (reply: Reply): boolean => reply.headers.get('idempotent-replayed') === 'true';

test('answer-lost: committed without an answer; the same key then replays it, and there is one customer', async () => {
  await sim.fault({ name: 'answer-lost', method: 'POST', path: '/v1/customers' });
  await expect(create()).rejects.toThrow();
  expect(await count()).toBe(1);
  const again = await create();
  expect([again.status, isReplay(again), await count()]).toEqual([200, true, 1]);
  expect((await sim.requests())[0]).toMatchObject({ outcome: 'answer_lost', status: 200, replayed: false });
});

test('error-500: kept under its key and replayed: nothing was made, and only a new key makes it', async () => {
  await sim.fault({ name: 'error-500' });
  const [first, again] = [await create(), await create()];
  expect([first.status, again.status, isReplay(first), isReplay(again)]).toEqual([500, 500, false, true]);
  expect(first.body.error.type).toBe('api_error');
  expect(await count()).toBe(0);
  expect((await create('k2')).status).toBe(200);
});

test('error-500-committed: replayed too, though the customer exists', async () => {
  await sim.fault({ name: 'error-500-committed' });
  const [first, again] = [await create(), await create()];
  expect([first.status, again.status, isReplay(again), await count()]).toEqual([500, 500, true, 1]);
});

test("gateway-timeout: a proxy's 504 comes first, the commit later; the key is in use until then", async () => {
  await sim.fault({ name: 'gateway-timeout', commit_after_ms: 200 });
  const request = { method: 'POST', body: 'name=Ann' };
  const headers = { authorization: 'Bearer sk_test_x', 'idempotency-key': 'k' };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await fetch(`${sim.url}/v1/customers`, { ...request, headers: { ...headers, ...form } });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([504, 'text/html']);
  expect(answer.headers.get('request-id')).toBeNull();
  expect(await answer.text()).toContain('504 Gateway');
  expect(await count()).toBe(0);
  expect((await create()).body.error.code).toBe('idempotency_key_in_use');
  await until('the late commit', async () => (await count()) === 1);
  expect(isReplay(await create())).toBe(true);
  const { data } = (await sim.call('GET', '/_sim/requests?writes=1')).body;
  expect(data).toMatchObject([
    { status: 504, outcome: 'committed_late', replayed: false },
    { status: 200, replayed: true },
  ]);
});

test('gateway-timeout: what was not committed at a reset never is; what was not at a stop is, then', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'sim-'));
  const stopping = await startForTest({ faults: true, dataDir });
  await stopping.fault({ name: 'gateway-timeout', commit_after_ms: 3_600_000, times: null });
  const post = (name: string) =>
    fetch(`${stopping.url}/v1/customers?name=${name}`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_x' },
    });
  expect((await post('before')).status).toBe(504);
  await stopping.call('POST', '/_sim/reset');
  await stopping.fault({ name: 'gateway-timeout', commit_after_ms: 3_600_000 });
  expect((await post('after')).status).toBe(504);
  await stopping.close();
  const next = await startForTest({ dataDir });
  const { data } = (await next.call('GET', '/v1/customers')).body;
  expect(data.map((each: { name: string }) => each.name)).toEqual(['after']);
  await next.close();
  await rm(dataDir, { recursive: true });
});

test.each([
  ['refuse-503', 503, { type: 'api_error' }],
  ['lock-timeout', 429, { type: 'invalid_request_error', code: 'lock_timeout' }],
  [
    'unauthorized',
    401,
    { type: 'invalid_request_error', message: 'Invalid API Key provided: sk_test_****3456' },
  ],
  [
    'revoked-key',
    401,
    {
      code: 'api_key_expired',
      message: expect.stringMatching(/^Expired API Key provided: sk_test_\*+3456$/),
    },
  ],
  ['forbidden', 403, { type: 'invalid_request_error' }],
  ['conflict-409', 409, { code: 'idempotency_key_in_use' }],
])('%s: answers %i once, keeps nothing, and the next try works', async (name, status, error) => {
  await sim.fault({ name });
  const headers = { authorization: 'Bearer sk_test_123456' };
  const refused = await sim.call('POST', '/v1/customers', { name: 'Ann' }, { key: 'k', headers });
  expect(refused).toMatchObject({ status, body: { error } });
  expect(refused.headers.get('stripe-rate-limited-reason')).toBeNull();
  expect((await sim.call('GET', '/_sim/requests?writes=1')).body.data).toEqual([]);
  const next = await create();
  expect([next.status, isReplay(next), await count()]).toEqual([200, false, 1]);
});

test.each([
  'global-rate',
  'global-concurrency',
  'endpoint-rate',
  'endpoint-concurrency',
  'resource-specific',
])('rate-limited: 429 with the reason %s', async (reason) => {
  await sim.fault({ name: 'rate-limited', reason });
  const refused = await create();
  expect(refused).toMatchObject({ status: 429, body: { error: { code: 'rate_limit' } } });
  expect(refused.headers.get('stripe-rate-limited-reason')).toBe(reason);
  expect(refused.headers.get('retry-after')).toBeNull();
  expect((await create()).status).toBe(200);
});

test('reset: the connection is cut, and nothing is processed', async () => {
  await sim.fault({ name: 'reset' });
  await expect(create()).rejects.toThrow();
  expect([await count(), (await sim.requests())[0]?.outcome]).toEqual([0, 'cut']);
});

test('hang: no answer comes until the client has enough, or delay_ms is over, and nothing is processed', async () => {
  await sim.fault({ name: 'hang' }, { name: 'hang', delay_ms: 30 });
  const enough = new AbortController();
  const hanging = fetch(`${sim.url}/v1/customers`, {
    headers: { authorization: 'Bearer sk_test_x' },
    signal: enough.signal,
  });
  await until('it hangs', async () => (await sim.requests()).at(-1)?.outcome === 'hung');
  enough.abort();
  await expect(hanging).rejects.toThrow('aborted');
  await expect(create()).rejects.toThrow();
  expect(await count()).toBe(0);
});

test('slow: processed after delay_ms; the key is in use meanwhile', async () => {
  await sim.fault({ name: 'slow', delay_ms: 150, method: 'POST' });
  const slow = create();
  await until('the second is refused', async () => (await create()).status === 409);
  expect([(await slow).status, await count()]).toEqual([200, 1]);
});

test('slow-drip: the body comes in drips, after the commit', async () => {
  await sim.fault({ name: 'slow-drip', delay_ms: 3_600_000, method: 'POST' });
  const socket = connect(sim.port, '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk.toString();
  });
  socket.write('POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk_test_x\r\n\r\n');
  await until('headers and one byte of the body', () => heard.endsWith('\r\n\r\n{'));
  expect(heard).toContain('200 OK');
  expect(await count()).toBe(1);
  socket.destroy();

  await sim.fault({ name: 'slow-drip', delay_ms: 1, chunk_bytes: 200 });
  expect((await create()).body.name).toBe('Ann');
});

test('other-account: every object is missing, lists are empty, and ours is untouched', async () => {
  const { id } = await sim.customer();
  await sim.fault({ name: 'other-account', times: 3 });
  expect((await sim.call('GET', '/v1/account')).body.id).toBe('acct_other');
  expect((await sim.call('GET', `/v1/customers/${id}`)).body.error.code).toBe('resource_missing');
  expect((await sim.call('GET', '/v1/events')).body.data).toEqual([]);
  expect((await sim.call('GET', `/v1/customers/${id}`)).status).toBe(200);
});

test.each([
  ['trim', { name: '  Ann Lee ' }, 'Ann Lee'],
  ['uppercase', { name: 'Ann Lee' }, 'ANN LEE'],
  ['lowercase', { name: 'Ann Lee' }, 'ann lee'],
  ['truncate', { name: '🙂🙂🙂🙂🙂🙂🙂' }, '🙂🙂🙂🙂🙂'],
])('alter-values: %s, in the answer, the event and the object alike', async (how, form, altered) => {
  await sim.fault({ name: 'alter-values', how });
  const { body } = await sim.call('POST', '/v1/customers', form);
  expect(body.name).toBe(altered);
  expect((await sim.call('GET', `/v1/customers/${body.id}`)).body.name).toBe(altered);
  expect((await sim.call('GET', '/v1/events')).body.data[0].data.object.name).toBe(altered);
});

test('alter-values waits for a request that writes its field, and lets the page alone', async () => {
  await sim.fault({ name: 'alter-values', field: 'email', how: 'truncate', length: 6 });
  const { id } = await sim.customer({ name: 'Ann' });
  const page = { headers: { 'x-simulator-page': '1' } };
  const typed = await sim.call('POST', `/v1/customers/${id}`, { email: 'ann@b.com' }, page);
  expect(typed.body.email).toBe('ann@b.com');
  expect((await sim.call('POST', `/v1/customers/${id}`, { email: 'eve@b.com' })).body.email).toBe('eve@b.');
});

test('list-lag: a new customer is found by id at once, in lists of customers and events only later', async () => {
  await sim.fault({ name: 'list-lag', delay_ms: 5_000 });
  const { id } = await sim.customer({ email: 'a@b.co' });
  const other = await sim.customer({ email: 'b@b.co' });
  const listed = async (path: string): Promise<string[]> => {
    const { data } = (await sim.call('GET', path)).body;
    return data.map(
      (each: { id: string; data?: { object: { id: string } } }) => each.data?.object.id ?? each.id,
    );
  };
  const lists = ['/v1/customers', '/v1/events', '/v1/events?type=customer.created'];
  expect((await sim.call('GET', `/v1/customers/${id}`)).status).toBe(200);
  for (const list of lists) expect(await listed(list)).toEqual([other.id]);
  expect(await listed('/v1/customers?email=a%40b.co')).toEqual([]);
  nowMs += 5_000;
  for (const list of lists) expect(await listed(list)).toEqual([other.id, id]);
});

test('expire-keys: the same request makes a second customer', async () => {
  await create();
  await sim.fault({ name: 'expire-keys' });
  expect(isReplay(await create())).toBe(false);
  expect(await count()).toBe(2);
});

test('a person at the page is spared the faults meant for programs', async () => {
  await sim.fault({ name: 'refuse-503', times: null }, { name: 'error-500', times: null });
  const headers = { 'x-simulator-page': '1' };
  expect((await sim.call('POST', '/v1/customers', { name: 'Ann' }, { headers })).status).toBe(200);
  expect((await sim.requests()).at(-1)).toMatchObject({ from: 'page', idempotency_key: null });
});
