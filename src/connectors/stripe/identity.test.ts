import { stripeSettings } from '../../../test/contract/stripeSettings';
import { json, raw, startWire } from '../../../test/contract/wire';
import { createClient, lacksRoute } from './client';
import { failure } from './errors';
import { identify, modeOf } from './identity';
import type { StripeSettings } from './settings';
import type { Wire } from '../../../test/contract/wire';

let wire: Wire;
beforeEach(async () => {
  wire = await startWire();
  wire.answer(json(200, { id: 'acct_1', object: 'account' }));
});
afterEach(() => wire.stop());

function ask(given: Partial<StripeSettings> = {}) {
  const settings = stripeSettings({ apiBase: wire.url, ...given });
  return identify(createClient(settings), settings);
}

test.each([
  ['sk_test_1', false, 'test'],
  ['rk_test_1', false, 'test'],
  ['sk_live_1', false, 'live'],
  ['rk_live_1', false, 'live'],
  ['sk_org_live_1', false, 'live'],
  ['whatever', false, 'test'],
  ['sk_test_1', true, 'simulator'],
])('the key %s (simulated: %p) is %s', async (apiKey, simulated, mode) => {
  expect(await ask({ apiKey, simulated })).toMatchObject({
    value: { account: 'acct_1', apiBase: wire.url, mode },
  });
  expect(wire.heard[0]).toMatchObject({ method: 'GET', path: '/v1/account' });
});

test.each([
  ['sk_test_1', 'test'],
  ['sk_live_1', 'live'],
  ['sk_1', 'live'],
  ['whatever', 'live'],
])('at Stripe itself the key %s is %s: one that names no mode is taken for live', (apiKey, mode) => {
  expect(modeOf('https://api.stripe.com', stripeSettings({ apiKey }))).toBe(mode);
});

test('the base is told in one spelling, for it may be all there is', async () => {
  expect(await ask({ apiBase: `${wire.url}/v1/` })).toMatchObject({ value: { apiBase: wire.url } });
});

test.each([
  ['a 404 of another kind', raw(404, 'text/html', 'Cannot GET')],
  ['a 404 of Stripe’s kind', json(404, { error: { type: 'invalid_request_error' } })],
  ['a 405', raw(405, 'text/plain', '')],
  ['a 501', json(501, {})],
])('a server without the route (%s) has no account', async (_story, script) => {
  wire.answer(script);
  expect(await ask()).toMatchObject({
    kind: 'answered',
    value: { account: null, apiBase: wire.url, mode: 'test' },
  });
});

test('Stripe itself is never believed to lack a route: a proxy’s 404 must not degrade the identity', () => {
  const absent = failure('unavailable', { status: 404, code: 'not_json' });
  expect(lacksRoute(createClient(stripeSettings({ apiBase: null })), absent)).toBe(false);
  expect(lacksRoute(createClient(stripeSettings({ apiBase: 'https://api.stripe.com/v1' })), absent)).toBe(
    false,
  );
  expect(lacksRoute(createClient(stripeSettings({ apiBase: wire.url })), absent)).toBe(true);
});

test.each([
  ['a refused key', json(401, { error: { type: 'invalid_request_error' } }), 'unauthorized'],
  ['a restricted key', json(403, { error: { type: 'invalid_request_error' } }), 'unauthorized'],
  ['an outage', raw(502, 'text/html', ''), 'unavailable'],
  ['an account without an id', json(200, { object: 'account' }), 'unavailable'],
])('%s is a failure, never a guess', async (_story, script, kind) => {
  wire.answer(script);
  expect(await ask()).toMatchObject({ kind: 'failed', failure: { kind } });
});
