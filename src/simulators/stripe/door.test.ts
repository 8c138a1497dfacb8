import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { Script } from 'node:vm';
import { optionsFromEnvironment } from './options';
import { startForTest, type TestSimulator } from './client-for-tests';
import type { LoggedRequest } from './request-log';
import { startSimulator } from './simulator';

let sim: TestSimulator;
beforeAll(async () => {
  sim = await startForTest();
});
afterAll(() => sim.close());

const basic = (user: string): string => `Basic ${Buffer.from(`${user}:`).toString('base64')}`;

describe('who may come in', () => {
  test.each([
    ['a secret test key', 'Bearer sk_test_1', 200],
    ['a restricted test key', 'Bearer rk_test_1', 200],
    ['a key as user name', basic('sk_test_1'), 200],
    ['no key', '', 401],
    ['a live key', 'Bearer sk_live_secretsecret', 401],
    ['a publishable key', 'Bearer pk_test_1', 401],
    ['only the prefix', 'Bearer sk_test_', 401],
    ['something else', 'Digest x', 401],
  ])('%s', async (_story, authorization, status) => {
    const answer = await sim.call('GET', '/v1/account', undefined, { headers: { authorization } });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('request-id')).toMatch(/^req_/);
    if (status === 200) expect(answer.body.id).toBe('acct_sim');
    else expect(JSON.stringify(answer.body)).not.toContain('secretsecret');
  });
});

describe('bad input is answered 4xx, never 5xx', () => {
  const form = 'application/x-www-form-urlencoded';
  test.each<[string, string | Uint8Array, string, number]>([
    ['a JSON body', '{"name":"x"}', 'application/json', 400],
    ['bytes that are not UTF-8', new Uint8Array([0x6e, 0x3d, 0xff, 0xfe]), form, 400],
    ['escapes that are not UTF-8', 'name=%ff', form, 400],
    ['a broken escape', 'name=%zz', form, 400],
    ['a NUL', 'name=a%00b', form, 400],
    ['a raw NUL', 'name=a\0b', form, 400],
    ['a prototype', '__proto__[x]=1', form, 400],
    ['brackets that do not close', 'metadata[a=1', form, 400],
    ['a hash that is a value too', 'metadata=x&metadata[a]=1', form, 400],
    ['a parameter nested a hundred deep', `a${'[b]'.repeat(100)}=1`, form, 400],
    ['2,000 parameters', Array.from({ length: 2_000 }, (_, i) => `a${i}=1`).join('&'), form, 400],
    ['10 MB', 'x'.repeat(10_000_000), form, 413],
  ])('%s', async (_story, body, type, status) => {
    const answer = await sim.call('POST', '/v1/customers', undefined, {
      body,
      headers: { 'content-type': type },
    });
    expect(answer.status).toBe(status);
    expect(answer.body.error.type).toBe('invalid_request_error');
  });

  test.each([
    '/v1',
    '/v1/',
    '/v1/unicorns',
    '/v1/customers/search',
    '/v1/customers/a/b',
    '/v1//',
    '/v1/customers/%',
  ])('GET %s', async (path) => {
    const answer = await sim.call('GET', path);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });

  test('metadata named like an object’s own machinery is kept as data', async () => {
    const body = 'metadata[__proto__]=a&metadata[constructor]=b';
    const { body: made } = await sim.call('POST', '/v1/customers', undefined, { body });
    expect(Object.entries(made.metadata)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });

  test('a client that leaves in the middle of its body does no harm', async () => {
    const socket = connect(sim.port, '127.0.0.1');
    socket.write('POST /v1/customers HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nname=');
    await new Promise((resolve) => {
      socket.write('x', resolve);
    });
    socket.destroy();
    expect((await sim.call('GET', '/_sim/health')).body.status).toBe('ok');
  });
});

describe('the controls', () => {
  test('are not for the pages of other sites', async () => {
    const answer = await sim.call('POST', '/_sim/reset', undefined, {
      headers: { origin: 'https://evil.example' },
    });
    expect(answer.status).toBe(403);
  });

  test('tell what was asked since a request', async () => {
    const first = await sim.call('POST', '/v1/customers', { name: 'Ann' }, { key: 'k1' });
    await sim.call('GET', '/v1/customers?limit=1');
    const since = first.headers.get('request-id');
    const { data } = (await sim.call('GET', `/_sim/requests?since=${since}`)).body;
    expect(data).toMatchObject([
      { method: 'GET', path: '/v1/customers', params: { limit: '1' }, status: 200 },
    ]);
  });

  test('show what was written: no reads, no refusals, a replay marked as one', async () => {
    await sim.call('POST', '/_sim/reset');
    const { id } = await sim.customer();
    await sim.call('GET', `/v1/customers/${id}`);
    await sim.call('POST', '/v1/customers', { email: 'no address' });
    await sim.call('POST', '/v1/customers', { name: 'Eve' }, { headers: { authorization: '' } });
    await sim.call('POST', `/v1/customers/${id}`, { name: 'Bea' }, { key: 'k2' });
    await sim.call('POST', `/v1/customers/${id}`, { name: 'Bea' }, { key: 'k2' });
    await sim.call('DELETE', `/v1/customers/${id}`);
    const { data } = (await sim.call('GET', '/_sim/requests?writes=1')).body;
    expect(data.map((each: LoggedRequest) => [each.method, each.path, each.replayed])).toEqual([
      ['POST', '/v1/customers', false],
      ['POST', `/v1/customers/${id}`, false],
      ['POST', `/v1/customers/${id}`, true],
      ['DELETE', `/v1/customers/${id}`, false],
    ]);
    const last = (await sim.call('GET', '/_sim/requests?writes=1&limit=1')).body.data;
    expect(last).toEqual(data.slice(-1));
  });

  const agent = 'Stripe/v1 NodeBindings/23.1.0';
  test.each<[string, Record<string, string>, string]>([
    ['Counterpart, by its key', { 'idempotency-key': 'cp_c0ffee00c0ffee00_stripe_1' }, 'counterpart'],
    ['Counterpart without a key, by its bare library', { 'user-agent': agent }, 'counterpart'],
    ['the page', { 'x-simulator-page': '1' }, 'page'],
    ['curl', { 'user-agent': 'curl/8.0' }, 'other'],
    ['the vendor’s library', { 'user-agent': agent, 'x-stripe-client-user-agent': '{}' }, 'other'],
    ['another key', { 'idempotency-key': 'k', 'user-agent': agent }, 'other'],
  ])('tell who asked: %s', async (_story, headers, from) => {
    await sim.call('POST', '/_sim/reset');
    await sim.call('POST', '/v1/customers', { name: 'Ann' }, { headers });
    expect((await sim.requests()).map((each) => each.from)).toEqual([from]);
    const asked = async (who: string) => (await sim.call('GET', `/_sim/requests?from=${who}`)).body.data;
    const others = ['page', 'counterpart', 'other'].filter((who) => who !== from);
    expect((await asked(from)).length).toBe(1);
    for (const who of others) expect(await asked(who)).toEqual([]);
  });

  test.each([
    ['writes=yes', 'writes is 1 or 0'],
    ['limit=0', 'limit is a number from 1 to 20000'],
    ['limit=many', 'limit is a number from 1 to 20000'],
    ['from=me', 'from is one of page, counterpart, other'],
    ['since=req_none', 'since is the id of a request that is still kept'],
    ['since=yesterday', 'since is the id of a request that is still kept'],
    ['write=1', 'unknown: write; known are: writes, from, since, limit'],
  ])('refuse %s, naming what is known', async (query, told) => {
    const answer = await sim.call('GET', `/_sim/requests?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toContain(told);
  });

  test('serve a page that takes nothing from elsewhere', async () => {
    const page = await fetch(sim.url);
    expect(await page.text()).toContain('not Stripe');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const script = await (await fetch(`${sim.url}/page.js`)).text();
    expect(() => new Script(script)).not.toThrow();
    expect(script).not.toMatch(/innerHTML|https?:\/\//);
  });
});

describe('limits and latency', () => {
  test('beyond the rate: 429 with its reason, and again after a second', async () => {
    let nowMs = 1_000;
    const limited = await startForTest({ rateLimitPerSecond: 3, clock: () => nowMs });
    const statuses: number[] = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await limited.call('GET', '/v1/account')).status);
    const refused = await limited.call('GET', '/v1/account');
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(refused.headers.get('stripe-rate-limited-reason')).toBe('global-rate');
    nowMs += 1_000;
    expect((await limited.call('GET', '/v1/account')).status).toBe(200);
    await limited.close();
  });

  test('every answer takes at least the latency', async () => {
    const slow = await startForTest({ latencyMs: 60 });
    const started = performance.now();
    await slow.call('GET', '/v1/account');
    expect(performance.now() - started).toBeGreaterThanOrEqual(58);
    await slow.close();
  });
});

describe('the start', () => {
  test('a taken port is said, with the variable to set', async () => {
    await expect(startSimulator({ port: sim.port })).rejects.toThrow(/SIMULATOR_PORT/);
  });

  test('every wrong variable is named at once', () => {
    const wrong = { SIMULATOR_PORT: 'http', SIMULATOR_LATENCY_MS: '-1', SIMULATOR_WEBHOOK_URL: 'http://x/' };
    for (const name of ['SIMULATOR_PORT', 'SIMULATOR_LATENCY_MS', 'SIMULATOR_WEBHOOK_SECRET']) {
      expect(() => optionsFromEnvironment(wrong)).toThrow(name);
    }
    expect(optionsFromEnvironment({ SIMULATOR_PORT: '' })).toMatchObject({ port: 12_121, host: '127.0.0.1' });
  });
});

test('nothing of the product is imported here', () => {
  const found = spawnSync('grep', ['-rnE', String.raw`from '(\.\./){2,}`, __dirname], { encoding: 'utf8' });
  expect(found.stdout).toBe('');
});
