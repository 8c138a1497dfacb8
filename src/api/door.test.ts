import type express from 'express';
import { openDatabase } from '../store/database';
import type { Database } from '../store/database';
import { callTo, exchange, fakeDeps, listen, raw } from './api-for-tests';
import type { TestApi } from './api-for-tests';
import type { ApiDeps } from './deps';
import { createApi } from './index';

const KEYS = ['key-one-of-sixteen', 'key-two-of-sixteen'];
const logged: string[] = [];
let database: Database;
let heard: Buffer[] = [];
const open: Array<() => Promise<void>> = [];

beforeAll(() => {
  // Nobody listens on port 1: everything that needs Postgres finds it down.
  database = openDatabase('postgres://nobody@127.0.0.1:1/none', {
    max: 2,
    name: 'test',
    onIdleError: () => undefined,
  });
});
afterAll(async () => {
  for (const close of open) await close();
  await database.close();
});

const webhook: express.RequestHandler = (request, response) => {
  heard.push(request.body as Buffer);
  response.status(200).json({ received: true });
};

async function api(change: Partial<ApiDeps> = {}): Promise<{ url: string; call: TestApi['call'] }> {
  const { url, close } = await listen(createApi({ ...fakeDeps(database, logged), webhook, ...change }));
  open.push(close);
  return { url, call: callTo(url) };
}

describe('who may come in', () => {
  test('a known key opens, any of them; another, none, or another scheme does not', async () => {
    const { call } = await api({ apiKeys: KEYS });
    const withAuth = (authorization: string) =>
      call('GET', '/connections', undefined, { headers: { authorization } });
    for (const key of KEYS) expect((await withAuth(`Bearer ${key}`)).status).toBe(200);
    expect((await withAuth(`bearer ${KEYS[0]}`)).status).toBe(200);
    for (const wrong of [
      'Bearer key-one-of-sixteeN',
      `Basic ${KEYS[0]}`,
      'Bearer',
      `Bearer ${KEYS[0]} x`,
      'Bearer ',
    ]) {
      const refused = await withAuth(wrong);
      expect([refused.status, refused.body.code]).toEqual([401, 'unauthorized']);
      expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer realm="counterpart"/);
    }
    expect((await call('GET', '/connections')).status).toBe(401);
    expect((await call('GET', '/metrics')).status).toBe(401);
    expect((await call('GET', '/nowhere')).status).toBe(401);
  });

  test('health, docs, the document and webhooks ask for no key', async () => {
    const { call } = await api({ apiKeys: KEYS });
    for (const path of ['/health/live', '/health/ready', '/docs', '/docs/start.js', '/openapi.json']) {
      expect([path, (await call('GET', path)).status]).toEqual([path, 200]);
    }
    expect((await call('POST', '/webhooks/stripe', {})).status).toBe(200);
  });

  test('without keys only loopback names are served, so that no page can point its own name here', async () => {
    const { url } = await api();
    const asHost = (host: string) => raw(`${url}/connections`, { headers: { host } });
    for (const host of ['localhost:3000', '127.0.0.1', '[::1]:3000'])
      expect((await asHost(host)).status).toBe(200);
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example']) {
      expect((await asHost(host)).status).toBe(403);
    }
    const keyed = await api({ apiKeys: KEYS });
    const behindProxy = { host: 'api.example.com', authorization: `Bearer ${KEYS[0]}` };
    expect((await raw(`${keyed.url}/connections`, { headers: behindProxy })).status).toBe(200);
    expect(
      (await raw(`${url}/webhooks/stripe`, { method: 'POST', headers: { host: 'tunnel.example' } })).status,
    ).toBe(200);
  });

  test("a page of another site cannot pause a connection with a visitor's browser", async () => {
    const { call } = await api();
    const from = (site: string) =>
      call('POST', '/connections/stripe/pause', undefined, { headers: { 'sec-fetch-site': site } });
    expect((await from('cross-site')).body.code).toBe('cross_site');
    expect((await from('same-origin')).status).toBe(200);
  });
});

describe('every answer', () => {
  test('has a request id of our own and is kept by no cache', async () => {
    const { call } = await api();
    const replies = [
      await call('GET', '/health/live', undefined, { headers: { 'request-id': 'mine' } }),
      await call('GET', '/nowhere'),
      await call('POST', '/customers'),
    ];
    const ids = replies.map(({ headers }) => headers.get('request-id'));
    expect(new Set(ids).size).toBe(3);
    for (const { headers } of replies) {
      expect(headers.get('request-id')).toMatch(/^req_[0-9a-f-]{36}$/);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-powered-by')).toBeNull();
    }
    expect(replies[1]!.body).toMatchObject({
      type: 'urn:counterpart:problem:not_found',
      status: 404,
      code: 'not_found',
      instance: `urn:counterpart:request:${ids[1]}`,
    });
  });

  test.each([
    ['PUT', '/customers', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/customers/x', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
    ['GET', '/customers/x/restore', 'POST, OPTIONS'],
    ['GET', '/webhooks/stripe', 'POST, OPTIONS'],
    ['DELETE', '/status', 'GET, HEAD, OPTIONS'],
    ['POST', '/', 'GET, HEAD, OPTIONS'],
    ['POST', '/docs', 'GET, HEAD, OPTIONS'],
  ])('%s %s is answered 405 with what is allowed', async (method, path, allow) => {
    const { call } = await api();
    const refused = await call(method, path);
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, allow]);
    const options = await call('OPTIONS', path);
    expect([options.status, options.headers.get('allow')]).toEqual([204, allow]);
  });

  test('HEAD is GET without a body', async () => {
    const { call } = await api();
    const head = await call('HEAD', '/health/live');
    expect([head.status, head.text, head.headers.get('content-length')]).toEqual([200, '', '15']);
  });
});

describe('bad input ends in a 4xx (failure 23)', () => {
  test.each<[string, string | Uint8Array, Record<string, string>, number, string]>([
    ['no JSON', '{"name":', {}, 400, 'body_malformed'],
    ['bad UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {}, 400, 'body_malformed'],
    ['JSON 30,000 levels deep', '['.repeat(30_000) + ']'.repeat(30_000), {}, 422, 'invalid'],
    ['a name 10,000 levels deep', `{"name":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, {}, 422, 'invalid'],
    ['70 KB', `{"name":"${'a'.repeat(70_000)}"}`, {}, 413, 'body_too_large'],
    ['10 MB', Buffer.alloc(10_000_000, 97), {}, 413, 'body_too_large'],
    ['a form', 'name=Ann', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'media_type'],
    [
      'plain text, as a page of another site sends',
      '{"name":"Ann"}',
      { 'content-type': 'text/plain' },
      415,
      'media_type',
    ],
    ['Latin-1', '{"name":"Ann"}', { 'content-type': 'application/json; charset=latin1' }, 415, 'media_type'],
    ['an unknown encoding', '{"name":"Ann"}', { 'content-encoding': 'zip' }, 415, 'media_type'],
    ['gzip that is none', '{"name":"Ann"}', { 'content-encoding': 'gzip' }, 400, 'request_malformed'],
    ['nothing', '', {}, 400, 'body_missing'],
    ['a key with spaces', '{"name":"Ann"}', { 'idempotency-key': 'a b' }, 400, 'idempotency_key_malformed'],
    [
      'a key of 256 characters',
      '{"name":"Ann"}',
      { 'idempotency-key': 'k'.repeat(256) },
      400,
      'idempotency_key_malformed',
    ],
  ])('%s', async (_what, body, headers, status, code) => {
    const { call } = await api();
    const refused = await call('POST', '/customers', undefined, {
      raw: body,
      headers: { 'content-type': 'application/json', ...headers },
    });
    expect([refused.status, refused.body.code]).toEqual([status, code]);
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=1e1', 'limit'],
    ['sync_state=lost', 'sync_state'],
    ['include_deleted=yes', 'include_deleted'],
    ['emial=a@b.co', 'emial'],
    ['email=', 'email'],
    ['email=%00', 'email'],
  ])('the query %s names what is wrong', async (query, pointer) => {
    const { call } = await api();
    const refused = await call('GET', `/customers?${query}`);
    expect([refused.status, refused.body.code]).toEqual([400, 'query_invalid']);
    expect(refused.body.errors[0].pointer).toBe(pointer);
  });

  test.each([
    ['limit=0', 'out_of_range', 'It must be a whole number, 1..100.'],
    ['limit=9999', 'out_of_range', 'It must be a whole number, 1..100.'],
    ['limit=-1', 'out_of_range', 'It must be a whole number, 1..100.'],
    ['limit=ten', 'not_a_number', 'It must be a whole number, 1..100.'],
    ['limit=1&limit=2', 'repeated', 'It may be given once.'],
    ['email=', 'email_invalid', 'It must be an e-mail address.'],
    [
      'emial=a@b.co',
      'unknown_parameter',
      'There is no such parameter here. There is: limit, cursor, email, sync_state, include_deleted.',
    ],
  ])('the query %s is refused as %s', async (query, code, detail) => {
    const { call } = await api();
    const { errors } = (await call('GET', `/customers?${query}`)).body;
    expect(errors).toEqual([{ pointer: query.split('=')[0], code, detail }]);
  });

  test('what is no id is told as such', async () => {
    const { call } = await api();
    for (const path of [
      '/customers/x',
      '/customers/01890000-0000-7000-8000-000000000000/conflicts/x/apply',
    ]) {
      const refused = await call(path.endsWith('x') ? 'GET' : 'POST', path);
      expect([refused.status, refused.body.detail]).toEqual([404, expect.stringMatching(/^This is no id: /)]);
    }
  });

  test.each([
    ['an unknown method', 'FOO / HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'request_malformed'],
    ['no HTTP', 'hello\r\n\r\n', 400, 'request_malformed'],
    [
      'headers of 20 KB',
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'an expectation',
      'GET / HTTP/1.1\r\nHost: localhost\r\nExpect: 200-ok\r\nConnection: close\r\n\r\n',
      417,
      'expectation',
    ],
  ])('%s is answered in our form as well', async (_what, bytes, status, code) => {
    const { url } = await api();
    const [head = '', body = ''] = (await exchange(url, bytes)).split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toMatch(/^content-type: application\/problem\+json$/im);
    expect(head).toMatch(/^request-id: req_[0-9a-f-]{36}$/im);
    expect(JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1))).toMatchObject({
      status,
      code,
    });
  });

  test.each([
    'email=%ff',
    'limit=1&limit=2',
    'cursor=x',
    'cursor=OTk5OTk5OTk5OTk5OTk5LjAxODkwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMA',
  ])('the query %s is refused', async (query) => {
    const { call } = await api();
    expect((await call('GET', `/customers?${query}`)).status).toBe(400);
  });
});

describe('when Postgres is down', () => {
  test('requests are refused for now, and bad ones for good', async () => {
    const { call } = await api();
    for (const [method, path, body] of [
      ['GET', '/customers', undefined],
      ['POST', '/customers', { name: 'Ann' }],
      ['GET', '/status', undefined],
    ] as const) {
      const refused = await call(method, path, body);
      expect([path, refused.status, refused.body.code]).toEqual([path, 503, 'unavailable']);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await call('POST', '/customers', { name: 7 })).status).toBe(422);
  });

  test('readiness says so with a 503, liveness does not care', async () => {
    const { call } = await api({
      readiness: async () => ({ ready: false, status: 'degraded', parts: { postgres: 'down' } }),
    });
    const ready = await call('GET', '/health/ready');
    expect([ready.status, ready.body]).toEqual([503, { status: 'unavailable', parts: { postgres: 'down' } }]);
    expect((await call('GET', '/health/live')).status).toBe(200);
    const degraded = await api({
      readiness: async () => ({ ready: true, status: 'degraded', parts: { temporal: 'down' } }),
    });
    expect((await degraded.call('GET', '/health/ready')).body).toEqual({
      status: 'degraded',
      parts: { temporal: 'down' },
    });
  });
});

describe('webhooks', () => {
  test('reach their receiver as the bytes that were signed', async () => {
    heard = [];
    const { call } = await api();
    const body = Buffer.from('{ "id" : "evt_1",\n "n": 1.0 }');
    expect(
      (
        await call('POST', '/webhooks/stripe', undefined, {
          raw: body,
          headers: { 'content-type': 'application/json' },
        })
      ).status,
    ).toBe(200);
    expect(heard.map((bytes) => bytes.toString('hex'))).toEqual([body.toString('hex')]);
  });

  test('of 10 MB are refused before anybody looks at them', async () => {
    heard = [];
    const { url } = await api();
    const refused = await raw(`${url}/webhooks/stripe`, { method: 'POST' }, Buffer.alloc(10_000_000));
    expect([refused.status, heard.length]).toEqual([413, 0]);
    expect(JSON.parse(refused.text).detail).toBe('Send less: at most 1024 KiB are taken here.');
  });

  test('a receiver that throws is a 500 in our form, without its message', async () => {
    const { call } = await api({ webhook: async () => Promise.reject(new Error('ann@example.com')) });
    const failed = await call('POST', '/webhooks/stripe', {});
    expect([failed.status, failed.body.code]).toEqual([500, 'internal']);
    expect(failed.text).not.toContain('ann@');
  });
});

describe('the page of the API', () => {
  test('is where a browser at / is led, with a key or without', async () => {
    const { call } = await api({ apiKeys: KEYS });
    const root = await call('GET', '/');
    expect([root.status, root.headers.get('location')]).toEqual([302, '/docs']);
  });

  test('loads nothing from elsewhere and runs no script of its own text', async () => {
    const { call } = await api();
    const page = await call('GET', '/docs');
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) expect([link, (await call('GET', link)).status]).toEqual([link, 200]);
    expect(page.text).not.toMatch(/<script>|https?:/);
  });
});

test('requests are logged by route, status and record, without query, body or address (I16)', async () => {
  logged.length = 0;
  const { call } = await api();
  await call('GET', '/customers?email=canary@example.com');
  await call('GET', '/customers/canary@example.com');
  await call('POST', '/customers', { name: 'Canary', email: 'canary@example.com' });
  await call('DELETE', '/customers/01890000-0000-7000-8000-000000000000');
  const text = logged.join('');
  expect(text).not.toMatch(/canary/i);
  const lines = logged
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['msg'] === 'request');
  expect(lines.map(({ method, route, status, record_id: id }) => [method, route, status, id])).toEqual([
    ['GET', '/customers', 503, undefined],
    ['GET', '/customers/:id', 404, undefined],
    ['POST', '/customers', 503, undefined],
    ['DELETE', '/customers/:id', 503, '01890000-0000-7000-8000-000000000000'],
  ]);
});
