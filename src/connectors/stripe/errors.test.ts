import { KEY, INSTALLATION, stripeSettings } from '../../../test/contract/stripeSettings';
import { json, startWire } from '../../../test/contract/wire';
import { parseRemoteId, trusted } from '../../core/ids';
import { createClient } from './client';
import { createCustomers } from './customers';
import type { Wire } from '../../../test/contract/wire';
import type { RemoteFailure } from '../../core/failure';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const ID = trusted(parseRemoteId('cus_1'), 'remote id');

let wire: Wire;
beforeAll(async () => {
  wire = await startWire();
});
afterAll(() => wire.stop());

/** What an update becomes when Stripe answers so. */
async function failureOf(
  status: number,
  error: object,
  headers: Record<string, string> = {},
): Promise<RemoteFailure> {
  wire.answer(json(status, { error }, headers));
  const client = createClient(stripeSettings({ apiBase: wire.url, clock: () => NOW }));
  const answer = await createCustomers(client, INSTALLATION).update(ID, { email: 'x@example.com' }, KEY);
  if (answer.kind !== 'failed') throw new Error('The call was expected to fail');
  return answer.failure;
}

const invalid = { type: 'invalid_request_error' };

test.each([
  [
    'data is refused',
    400,
    { ...invalid, code: 'email_invalid', param: 'email' },
    'rejected',
    'email_invalid',
    true,
  ],
  ['a refusal without a code is named by its type', 400, invalid, 'rejected', 'invalid_request_error', true],
  [
    'a card is asked for',
    402,
    { type: 'card_error', code: 'card_declined' },
    'rejected',
    'card_declined',
    true,
  ],
  ['the body is too large', 413, invalid, 'rejected', 'invalid_request_error', true],
  ['not found', 404, { ...invalid, code: 'resource_missing', param: 'id' }, 'gone', 'resource_missing', true],
  ['4: key with other params', 400, { type: 'idempotency_error' }, 'bug', 'idempotency_error', true],
  [
    '5: key in use',
    409,
    { type: 'idempotency_error', code: 'idempotency_key_in_use' },
    'stale',
    'idempotency_key_in_use',
    false,
  ],
  ['6: a lock', 429, { ...invalid, code: 'lock_timeout' }, 'rate-limited', 'lock_timeout', false],
  ['7: a limit', 429, { ...invalid, code: 'rate_limit' }, 'rate-limited', 'rate_limit', false],
  [
    'a limit in an old version of the API',
    400,
    { ...invalid, code: 'rate_limit' },
    'rate-limited',
    'rate_limit',
    false,
  ],
  [
    '10: a revoked key',
    401,
    { ...invalid, code: 'api_key_expired' },
    'unauthorized',
    'api_key_expired',
    false,
  ],
  [
    'a key without the right',
    403,
    { ...invalid, code: 'more_permissions_required' },
    'unauthorized',
    'more_permissions_required for customers.update',
    false,
  ],
  [
    'a restricted key without the right, as Stripe words it: the right and the call are told, the key and the account are not',
    403,
    {
      ...invalid,
      message:
        "The provided key 'rk_test_*****s8Kgd' does not have the required permissions for this endpoint on account 'acct_1PJ'. Having the 'rak_customer_write' permission would allow this request to continue.",
    },
    'unauthorized',
    'rak_customer_write for customers.update',
    false,
  ],
  ['an outage behind Stripe', 424, { type: 'api_error' }, 'unavailable', 'api_error', false],
  ['a proxy lost patience', 408, { type: 'api_error' }, 'unavailable', 'api_error', false],
  ['a first 500', 500, { type: 'api_error' }, 'unavailable', 'api_error', false],
  ['an overloaded server', 503, { type: 'api_error' }, 'unavailable', 'api_error', false],
])('%s', async (_story, status, error, kind, code, definite) => {
  expect(await failureOf(status, error)).toEqual({
    kind,
    code,
    param: 'param' in error ? error.param : null,
    status,
    requestId: 'req_wire',
    retryAfterMs: null,
    replayed: false,
    definite,
    // the key or the pace was refused before; a lock is met only by a call that has begun
    unbegun: status === 401 || status === 403 || (status === 429 && code === 'rate_limit'),
  });
});

test('8: a stored answer ends the intent, whatever it is', async () => {
  const replayed = { 'idempotent-replayed': 'true' };
  expect(await failureOf(500, { type: 'api_error' }, replayed)).toMatchObject({
    replayed: true,
    definite: true,
  });
  expect(await failureOf(400, invalid, replayed)).toMatchObject({ replayed: true, definite: true });
});

test('Stripe says that the same call may succeed: not a refusal of the data', async () => {
  expect(await failureOf(400, invalid, { 'stripe-should-retry': 'true' })).toMatchObject({
    kind: 'unavailable',
    definite: false,
  });
});

test("a limiter's reason is told where the code says less", async () => {
  const reason = { 'stripe-rate-limited-reason': 'endpoint-concurrency' };
  expect((await failureOf(429, { ...invalid, code: 'rate_limit' }, reason)).code).toBe(
    'endpoint-concurrency',
  );
  expect((await failureOf(429, invalid, reason)).code).toBe('endpoint-concurrency');
  expect((await failureOf(429, { ...invalid, code: 'lock_timeout' }, reason)).code).toBe('lock_timeout');
});

test.each([
  ['2', 2_000],
  ['0.5', 500],
  ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
  ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
  ['86400', 3_600_000],
  ['soon', null],
])('Retry-After: %s is %p ms, an hour at the most', async (text, ms) => {
  expect((await failureOf(429, invalid, { 'retry-after': text })).retryAfterMs).toBe(ms);
});

test('I16: nothing of what a server says is kept but what looks like a code, a name or an id', async () => {
  const canary = 'canary@example.com';
  const told = await failureOf(
    400,
    {
      type: canary,
      code: canary,
      param: `metadata[${canary}]`,
      message: canary,
      doc_url: canary,
      request_log_url: canary,
    },
    { 'request-id': canary, 'retry-after': canary, 'stripe-rate-limited-reason': canary },
  );
  expect(JSON.stringify(told)).not.toContain('canary');
  expect(told).toMatchObject({ kind: 'rejected', code: null, param: null, requestId: null });
});

test('our own mistake is thrown, not blamed on Stripe', async () => {
  const client = createClient(stripeSettings({ apiBase: wire.url }));
  const heard = wire.heard.length;
  const customers = createCustomers(client, INSTALLATION);
  await expect(customers.update(ID, { amount: 'one' }, KEY)).rejects.toThrow('no synced field "amount"');
  await expect(customers.update(ID, { name: 1 }, KEY)).rejects.toThrow('takes text or null');
  expect(wire.heard).toHaveLength(heard);
});
