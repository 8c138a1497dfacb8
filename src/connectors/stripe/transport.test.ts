import { INSTALLATION, KEY, MARK, stripeSettings } from '../../../test/contract/stripeSettings';
import { json, raw, startWire } from '../../../test/contract/wire';
import { createClient } from './client';
import { createCustomers } from './customers';
import { parseRecordId, parseRemoteId, trusted } from '../../core/ids';
import type { Wire } from '../../../test/contract/wire';
import type { RemoteFailure, Answer } from '../../core/failure';

const recordId = trusted(parseRecordId('01890a5d-ac96-774b-bcce-b302099a8057'), 'record');
const ID = trusted(parseRemoteId('cus_1'), 'remote id');
const CUSTOMER = { id: 'cus_1', object: 'customer', name: 'Ada', email: null, metadata: {} };
/** Short where the deadline is what the story is about; elsewhere a busy machine must not reach it. */
const SHORT_MS = 300;
const AMPLE_MS = 5_000;

let wire: Wire;
beforeEach(async () => {
  wire = await startWire();
});
afterEach(() => wire.stop());

function customers({ apiBase = wire.url, deadlineMs = AMPLE_MS } = {}) {
  return createCustomers(createClient(stripeSettings({ apiBase }), deadlineMs), INSTALLATION);
}

function failed(answer: Answer<unknown>): RemoteFailure {
  if (answer.kind !== 'failed') throw new Error('The call was expected to fail');
  return answer.failure;
}

describe('what goes on the wire', () => {
  test('a create carries our key, the pinned version, the mark, and nothing about this machine', async () => {
    wire.answer(json(200, CUSTOMER));
    await customers().create({ name: 'Ada', email: null }, recordId, KEY);
    expect(wire.heard).toHaveLength(1);
    const { method, path, headers, params } = wire.heard[0]!;
    expect(`${method} ${path}`).toBe('POST /v1/customers');
    expect(params).toEqual({ name: 'Ada', [`metadata[${MARK}]`]: recordId });
    const { host: _host, 'user-agent': agent, ...others } = headers;
    expect(agent).toMatch(/^Stripe\/v1 NodeBindings\/[\d.]+$/);
    expect(others).toEqual({
      accept: 'application/json',
      authorization: 'Bearer sk_test_1',
      connection: 'keep-alive',
      'content-length': expect.any(String),
      'content-type': 'application/x-www-form-urlencoded',
      'idempotency-key': KEY,
      'stripe-version': '2026-10-28.endive',
    });
  });

  test('no call tells of the one before it', async () => {
    wire.answer(json(200, CUSTOMER));
    const it = customers();
    await it.read(ID);
    await it.update(ID, { name: 'Ada' }, KEY);
    await it.read(ID);
    expect(wire.heard).toHaveLength(3);
    for (const { headers } of wire.heard) {
      expect(Object.keys(headers).filter((name) => name.startsWith('x-'))).toEqual([]);
    }
  });

  test('a delete carries no key', async () => {
    wire.answer(json(200, { id: 'cus_1', object: 'customer', deleted: true }));
    expect((await customers().remove(ID)).kind).toBe('answered');
    expect(wire.heard[0]?.method).toBe('DELETE');
    expect(wire.heard[0]?.headers).not.toHaveProperty('idempotency-key');
  });

  test.each(['/stripe', '/stripe/', '/stripe/v1', '/stripe/v1/'])(
    'a path prefix %s is kept',
    async (prefix) => {
      wire.answer(json(200, CUSTOMER));
      expect((await customers({ apiBase: wire.url + prefix }).read(ID)).kind).toBe('answered');
      expect(wire.heard[0]?.path).toBe('/stripe/v1/customers/cus_1');
    },
  );
});

describe('one attempt, whatever happens; nothing is then known', () => {
  const unknown = { kind: 'unavailable', definite: false };

  test('the connection is reset before an answer', async () => {
    wire.answer((response) => response.socket?.resetAndDestroy());
    expect(failed(await customers().update(ID, { name: 'Ada' }, KEY))).toMatchObject({
      ...unknown,
      code: 'ECONNRESET',
      status: null,
    });
    expect(wire.heard).toHaveLength(1);
  });

  test('nobody listens', async () => {
    const gone = await startWire();
    await gone.stop();
    expect(failed(await customers({ apiBase: gone.url }).read(ID))).toMatchObject({
      ...unknown,
      code: 'ECONNREFUSED',
    });
  });

  test('the server hangs: cut at the deadline', async () => {
    wire.answer(() => undefined);
    expect(
      failed(await customers({ deadlineMs: SHORT_MS }).create({ name: 'Ada' }, recordId, KEY)),
    ).toMatchObject({
      ...unknown,
      code: 'deadline',
    });
    expect(wire.heard).toHaveLength(1);
  });

  test('a slow drip never falls silent: cut at the deadline all the same', async () => {
    const drips: NodeJS.Timeout[] = [];
    wire.answer((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      drips.push(setInterval(() => response.write(' '), 20));
    });
    const began = Date.now();
    expect(failed(await customers({ deadlineMs: SHORT_MS }).read(ID))).toMatchObject({
      ...unknown,
      code: 'deadline',
    });
    expect(Date.now() - began).toBeLessThan(AMPLE_MS);
    drips.forEach((drip) => clearInterval(drip));
  });

  test('the body ends before its time', async () => {
    wire.answer((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
      response.write('{"id":"cus_1"', () => response.socket?.destroy());
    });
    expect(failed(await customers().read(ID))).toMatchObject({ ...unknown, code: 'truncated', status: 200 });
  });

  test('a body beyond all measure is cut off', async () => {
    wire.answer((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(Buffer.alloc(17 * 1024 * 1024, ' '));
    });
    expect(failed(await customers().read(ID))).toMatchObject({ ...unknown, code: 'too_large' });
  });

  test.each([
    ['a proxy says 504 in HTML', 504, 'text/html', '<h1>504</h1>', 'not_json'],
    ['a proxy says 404 in HTML', 404, 'text/html', '<h1>404</h1>', 'not_json'],
    ['a portal says 200 in HTML', 200, 'text/html', '<h1>Log in</h1>', 'not_json'],
    ['JSON in the dress of HTML', 200, 'text/html', JSON.stringify(CUSTOMER), 'not_json'],
    ['half of a JSON text', 200, 'application/json', '{"id":"cus_1"', 'not_json'],
    ['an empty body', 200, 'application/json', '', 'not_json'],
    ['a bare text, which would kill the SDK', 200, 'application/json', '"fine"', 'not_stripe'],
    ['null', 200, 'application/json', 'null', 'not_stripe'],
    ['a list', 200, 'application/json', '[]', 'not_stripe'],
    [
      'a 404 without an error, which the SDK takes for a success',
      404,
      'application/json',
      '{}',
      'not_stripe',
    ],
    ['a 200 with an error', 200, 'application/json', '{"error":{"type":"api_error"}}', 'not_stripe'],
    ['a redirect', 301, 'application/json', JSON.stringify(CUSTOMER), 'not_stripe'],
    ['another object', 200, 'application/json', '{"id":"cus_1","object":"coupon"}', 'unexpected_shape'],
    ['another customer', 200, 'application/json', '{"id":"cus_2","object":"customer"}', 'unexpected_shape'],
  ])('%s', async (_story, status, contentType, body, code) => {
    wire.answer(raw(status, contentType, body));
    const it = customers();
    for (const answer of [
      await it.read(ID),
      await it.update(ID, { name: 'Ada' }, KEY),
      await it.remove(ID),
    ]) {
      expect(failed(answer)).toMatchObject({ ...unknown, code, status });
    }
    expect(wire.heard).toHaveLength(3);
  });

  test('a proxy that limits us without being Stripe is still a limit', async () => {
    wire.answer((response) => {
      response.writeHead(429, { 'content-type': 'text/plain', 'retry-after': '7' });
      response.end('slow down');
    });
    expect(failed(await customers().read(ID))).toMatchObject({
      kind: 'rate-limited',
      retryAfterMs: 7000,
      definite: false,
    });
  });
});
