/** PUBLIC_URL: one endpoint of ours at Stripe, whatever happens to it, to the key, to the database or to us. */
import { listConnections } from '../bin/connectionViews';
import { createStripeConnector } from '../connectors/stripe';
import { API_VERSION } from '../connectors/stripe/client';
import type { Connector } from '../connectors/connector';
import { parseInstallationId, trusted } from '../core/ids';
import { startSimulator } from '../simulators/stripe';
import type { Simulator } from '../simulators/stripe';
import { exclusively } from '../store/exclusive';
import { benches, STRIPE } from '../store/store-for-tests';
import { INSTALLATION, MARK, stripeSettings } from '../../test/contract/stripeSettings';
import { anyFreePort } from '../embedded/ports';
import { keepWebhookEndpoint } from './webhookEndpoint';

// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into, field by field
type Loose = any;

const URL_A = 'https://a.example.com/webhooks/stripe';
const URL_B = 'https://b.example.com/webhooks/stripe';

const bench = benches();
let simulator: Simulator;
let connector: Connector;

beforeAll(async () => {
  simulator = await startSimulator({ port: 0, faults: true });
});
afterAll(() => simulator.close());

beforeEach(async () => {
  await stripe('POST', '/_sim/reset');
  await stripe('DELETE', '/_sim/faults');
  await bench().database.query('delete from counterpart.webhook_endpoints');
  await bench().database.query('delete from counterpart.connections');
  await bench().store.connections.register(STRIPE, 'stripe');
  connector = connectorOf();
});

function connectorOf(given: Parameters<typeof stripeSettings>[0] = {}): Connector {
  return createStripeConnector(stripeSettings({ apiBase: simulator.url, simulated: true, ...given }));
}

async function stripe(method: string, route: string, params?: Record<string, string>): Promise<Loose> {
  const control = route.startsWith('/_sim');
  const answer = await fetch(simulator.url + route, {
    method,
    headers: { authorization: 'Bearer sk_test_dashboard' },
    ...(params === undefined ? {} : { body: control ? JSON.stringify(params) : new URLSearchParams(params) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${route}: ${answer.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

const endpoints = async (): Promise<Loose[]> => (await stripe('GET', '/v1/webhook_endpoints')).data;
const secrets = () => bench().store.endpoints.secretsOf(STRIPE);
const view = async () => (await listConnections({ store: bench().store, config: { connections: [] } }))[0]!;

async function calls(): Promise<string[]> {
  const { data } = await stripe('GET', '/_sim/requests?limit=1000');
  return data
    .filter(
      (call: Loose) => call.path.startsWith('/v1/webhook_endpoints') && /NodeBindings/.test(call.user_agent),
    )
    .map((call: Loose) => call.method);
}

interface Told {
  readonly delivers: boolean[];
  readonly logged: string[];
  readonly pauses_ms: number[];
}

/** A process that lives for some attempts, or until it knows that Stripe delivers. */
async function live(url: string | null, attempts = 1, of: Connector = connector): Promise<Told> {
  const told: Told = { delivers: [], logged: [], pauses_ms: [] };
  const { database, store } = bench();
  const note = (fields: object, message: string) =>
    void told.logged.push(`${message} ${JSON.stringify(fields)}`);
  await keepWebhookEndpoint(
    {
      store,
      log: { info: note, warn: note },
      exclusively: (name, work) => exclusively(database, name, work),
      delivers: (_connection, yes) => void told.delivers.push(yes),
      pause: async (ms) => void told.pauses_ms.push(ms),
      stopped: () => told.pauses_ms.length >= attempts || told.delivers.includes(true),
    },
    of,
    url,
  );
  return told;
}

test('the first start registers one endpoint: our events, our version, our mark; the secret is kept and told nobody', async () => {
  const { delivers, logged } = await live(URL_A);
  expect(await endpoints()).toMatchObject([
    {
      url: URL_A,
      status: 'enabled',
      api_version: API_VERSION,
      enabled_events: ['customer.created', 'customer.updated', 'customer.deleted'],
      metadata: { [MARK]: 'stripe' },
    },
  ]);
  expect(delivers).toEqual([true]);
  const [secret] = await secrets();
  expect(secret).toMatch(/^whsec_/);
  expect(await view()).toMatchObject({
    degraded: [],
    webhook: { url: URL_A, state: 'registered', reason: null },
  });
  expect(`${JSON.stringify(await view())} ${logged.join('\n')}`).not.toContain(secret);
});

test('two processes that start at once make one endpoint, and both know that it stands', async () => {
  const both = await Promise.all([live(URL_A, 1_000), live(URL_A, 1_000), live(URL_A, 1_000)]);
  expect(both.map(({ delivers }) => delivers.at(-1))).toEqual([true, true, true]);
  expect(await endpoints()).toHaveLength(1);
  expect((await calls()).filter((method) => method === 'POST')).toHaveLength(1);
});

test('a later start finds it again by installation, changes nothing and has its secret still', async () => {
  await live(URL_A);
  const before = [await endpoints(), await secrets(), (await view()).webhook];
  await live(URL_A);
  expect([await endpoints(), await secrets(), (await view()).webhook]).toEqual(before);
  expect((await calls()).filter((method) => method !== 'GET')).toEqual(['POST']);
});

test('20: what the registered secret signed is let in, beside what the configured ones signed; nothing else is', async () => {
  await live(URL_A);
  const [secret] = await secrets();
  const body = Buffer.from(
    JSON.stringify({ id: 'evt_1', object: 'event', type: 'customer.created', created: 1, data: {} }),
  );
  const { generateTestHeaderString } = (await import('stripe')).default.webhooks;
  const signedBy = (by: string) => ({
    'stripe-signature': generateTestHeaderString({
      payload: body.toString(),
      secret: by,
      timestamp: 1_000,
    }),
  });
  const receiver = connectorOf({ webhookSecrets: ['whsec_by_hand'] });
  const receive = (by: string, registered: readonly string[]) =>
    receiver.receive(body, signedBy(by), 1_000_000, registered).kind;
  expect(receive(secret!, await secrets())).toBe('event');
  expect(receive('whsec_by_hand', await secrets())).toBe('event');
  expect(receive(secret!, [])).toBe('forged');
  expect(receive('whsec_strange', await secrets())).toBe('forged');
});

test('a changed URL, events changed by hand and a disabled endpoint are put right on the same endpoint', async () => {
  await live(URL_A);
  const [made] = await endpoints();
  const kept = await secrets();
  await stripe('POST', `/v1/webhook_endpoints/${made.id}`, {
    'enabled_events[0]': 'charge.succeeded',
    disabled: 'true',
  });
  await live(URL_B);
  expect(await endpoints()).toEqual([{ ...made, url: URL_B, enabled_events: made.enabled_events }]);
  expect(await secrets()).toEqual(kept);
  expect((await view()).webhook).toMatchObject({ url: URL_B, state: 'registered' });
});

test('an endpoint that was deleted by hand is made anew while the process runs, with its new secret', async () => {
  await live(URL_A);
  const [made] = await endpoints();
  const [old] = await secrets();
  await stripe('DELETE', `/v1/webhook_endpoints/${made.id}`);
  await live(URL_A);
  expect(await endpoints()).toMatchObject([{ url: URL_A, metadata: { [MARK]: 'stripe' } }]);
  expect(await secrets()).not.toEqual([old]);
});

test('51: with another database the secret is lost: ours is deleted and made anew, everybody else’s is left alone', async () => {
  const stranger = { url: URL_A, 'enabled_events[0]': '*' };
  await stripe('POST', '/v1/webhook_endpoints', stranger);
  const other = connectorOf({ installation: trusted(parseInstallationId('0123456789abcdef'), 'id') });
  await other.webhooks!.ensure({ url: URL_A, known: null });
  const others = await endpoints();
  await live(URL_A);
  const old = (await endpoints()).find((one) => one.metadata[MARK] === 'stripe');
  await bench().database.query('delete from counterpart.webhook_endpoints');
  await live(URL_A);
  const all = await endpoints();
  expect(all).toHaveLength(3);
  expect(all.filter((one) => one.metadata[MARK] === undefined)).toEqual(others);
  expect(all.map((one) => one.id)).not.toContain(old.id);
});

test('an answer that was lost after the creation leaves one endpoint in the end', async () => {
  await stripe('POST', '/_sim/faults', {
    name: 'answer-lost',
    method: 'POST',
    path: '/v1/webhook_endpoints',
  });
  const { delivers } = await live(URL_A, 3);
  expect(delivers).toEqual([false, true]);
  expect(await endpoints()).toHaveLength(1);
  expect(await secrets()).toHaveLength(1);
});

test('an endpoint of another API version is replaced: a version cannot be changed', async () => {
  const made = await stripe('POST', '/v1/webhook_endpoints', {
    url: URL_A,
    'enabled_events[0]': 'customer.created',
    api_version: '2020-08-27',
    [`metadata[${MARK}]`]: 'stripe',
  });
  await bench().store.endpoints.keepMade(STRIPE, {
    url: URL_A,
    endpointId: made.id,
    secret: made.secret,
  });
  await live(URL_A);
  expect(await endpoints()).toMatchObject([{ api_version: API_VERSION, url: URL_A }]);
  expect(await secrets()).not.toEqual([made.secret]);
});

test('a restricted key without the right: said once, shown as degraded with the right, the connection goes on; with the right it heals', async () => {
  await stripe('POST', '/_sim/faults', {
    name: 'forbidden',
    path: '/v1/webhook_endpoints*',
    times: null as unknown as string,
  });
  const { logged, delivers } = await live(URL_A, 3);
  expect(logged).toHaveLength(1);
  expect(logged[0]).toMatch(/degraded.*Webhook Endpoints: Write/);
  expect(delivers).toEqual([false, false, false]);
  expect(await view()).toMatchObject({
    state: 'active',
    degraded: ['webhooks'],
    webhook: {
      state: 'degraded',
      reason: { code: 'forbidden', detail: 'Webhook Endpoints: Write' },
    },
  });
  await stripe('DELETE', '/_sim/faults');
  expect((await live(URL_A)).delivers).toEqual([true]);
  expect(await view()).toMatchObject({ degraded: [], webhook: { state: 'registered', reason: null } });
});

test('Stripe cannot be reached at the start: pending, tried again soon, and registered once it answers', async () => {
  const port = await anyFreePort();
  const away = connectorOf({ apiBase: `http://127.0.0.1:${port}` });
  const { delivers, pauses_ms, logged } = await live(URL_A, 3, away);
  expect(delivers).toEqual([false, false, false]);
  expect(logged).toHaveLength(1);
  expect(Math.max(...pauses_ms)).toBeLessThanOrEqual(30_000);
  expect(await view()).toMatchObject({
    state: 'active',
    degraded: [],
    webhook: { state: 'pending', reason: { code: 'unavailable', detail: 'ECONNREFUSED' } },
  });
  expect((await live(URL_A)).delivers).toEqual([true]);
});

test('what Stripe refuses is said with its code; a server without the route lives by its event list', async () => {
  await stripe('POST', '/_sim/faults', { name: 'unauthorized', path: '/v1/webhook_endpoints' });
  await live(URL_A);
  expect((await view()).webhook).toMatchObject({ state: 'pending' });
  for (let made = 0; made < 16; made += 1) {
    await stripe('POST', '/v1/webhook_endpoints', { url: URL_B, 'enabled_events[0]': '*' });
  }
  await live(URL_A);
  expect((await view()).webhook).toMatchObject({ state: 'degraded', reason: { code: 'refused' } });
  const lesser = connectorOf({ apiBase: `${simulator.url}/elsewhere` });
  await live(URL_A, 1, lesser);
  expect(await view()).toMatchObject({
    state: 'active',
    webhook: { state: 'degraded', reason: { code: 'unsupported' } },
  });
});

test('while the connection is paused nothing is called', async () => {
  await bench().store.connections.pause(STRIPE, { code: 'paused', detail: null });
  expect((await live(URL_A, 3)).delivers).toEqual([]);
  expect(await calls()).toEqual([]);
});

test('without PUBLIC_URL nothing is asked; an endpoint that was registered under an earlier one is taken away', async () => {
  await live(null);
  expect(await calls()).toEqual([]);
  await live(URL_A);
  expect((await live(null, 3)).delivers).toEqual([false]);
  expect(await endpoints()).toEqual([]);
  expect((await view()).webhook).toBeNull();
});

test('the installation in the mark is the one that signs its keys', () => {
  expect(MARK).toBe(`counterpart_${INSTALLATION}`);
});
