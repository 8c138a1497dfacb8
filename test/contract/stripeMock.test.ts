/**
 * The simulator is held to Stripe's own OpenAPI. Every request goes to the simulator and to stripe-mock, which knows
 * every parameter Stripe has; and every answer of the simulator is compared with what the specification says of it.
 * The specification and not stripe-mock's answers, because those leave out what is optional (`customer_account`).
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import StripeSdk from 'stripe';
import { OpenApi } from './stripeMockSchema';
import { BUILD_MAX_MS, buildStripeMock, startStripeMock, whyNoStripeMock } from './stripeMock';
import { startTwin } from './stripeMockTwin';
import { KEY, stripeSettings } from './stripeSettings';
import { RECORD, SHAPES, type Stage } from './stripeMockShapes';
import { CUSTOMER } from '../../src/catalogs/customer/customer';
import { createStripeConnector } from '../../src/connectors/stripe';
import { startSimulator } from '../../src/simulators/stripe';
import type { Simulator } from '../../src/simulators/stripe';
import type { StripeMock } from './stripeMock';
import type { Pair, Twin } from './stripeMockTwin';

const API_KEY = 'sk_test_twin';
const CONNECTOR = path.join(__dirname, '..', '..', 'src', 'connectors', 'stripe');

const absent = whyNoStripeMock();

if (absent === null) describe("the simulator is held to Stripe's OpenAPI", holdToOpenApi);
else {
  console.warn(`NOT RUN: the simulator was not held to Stripe's OpenAPI: ${absent}`);
  test(`NOT RUN: the simulator was not held to Stripe's OpenAPI: ${absent}`, () => {
    expect(whyNoStripeMock()).toBe(absent);
  });
}

function holdToOpenApi(): void {
  let mock: StripeMock;
  let simulator: Simulator;
  let twin: Twin;
  let openApi: OpenApi;
  let stage: Stage;

  beforeAll(async () => {
    await buildStripeMock((line) => console.info(line));
    mock = await startStripeMock();
    simulator = await startSimulator({ port: 0, faults: true });
    twin = await startTwin(simulator.url, mock.url);
    openApi = new OpenApi(mock.spec);
  }, BUILD_MAX_MS);
  afterAll(async () => {
    await twin.stop();
    await simulator.close();
    await mock.stop();
  });
  beforeEach(async () => {
    await fetch(`${simulator.url}/_sim/reset`, { method: 'POST' });
    const connector = createStripeConnector(
      stripeSettings({ apiKey: API_KEY, apiBase: twin.url, simulated: true }),
    );
    const customers = connector.catalogs.get(CUSTOMER.name);
    if (customers === undefined) throw new Error('Stripe has customers');
    const { port } = new URL(twin.url);
    const sdk = new StripeSdk(API_KEY, { host: '127.0.0.1', port, protocol: 'http', telemetry: false });
    const made = await customers.create({ name: 'Eve', email: 'eve@example.com' }, RECORD, `${KEY}0`);
    if (made.kind === 'failed') throw new Error(`The create failed: ${JSON.stringify(made.failure)}`);
    stage = { connector, customers, sdk, id: made.value.remoteId };
    twin.take();
  });

  function problems({ method, path: asked, params, first, second }: Pair): string[] {
    const place = `${method} ${asked}`;
    const answer: unknown = JSON.parse(first.text);
    const found = openApi.problems(method, asked, first.status, answer).map((each) => `${place} ${each}`);
    if (second.status !== 200) found.push(`${place}: stripe-mock refuses ${params}: ${second.text}`);
    // Of these the specification says only that they are objects.
    for (const customer of customersInEvents(answer)) {
      found.push(...openApi.problemsOf('customer', customer).map((each) => `${place} data.object${each}`));
    }
    return found;
  }

  test.each(SHAPES)('%s', async (_story, ask, expected) => {
    await ask(stage);
    const pairs = twin.take();
    const asked = pairs.map((pair) => `${pair.method} ${pair.path.replace(/(cus|evt|we)_\w+$/, ':id')}`);
    expect(asked).toEqual(expected);
    expect(pairs.flatMap(problems)).toEqual([]);
  });

  test.each([
    ['refuse-503', 503],
    ['rate-limited', 429],
    ['lock-timeout', 429],
    ['revoked-key', 401],
    ['unauthorized', 401],
    ['forbidden', 403],
    ['conflict-409', 409],
    ['error-500', 500],
  ])('the error of %s is one of Stripe’s', async (name, status) => {
    await fetch(`${simulator.url}/_sim/faults`, { method: 'POST', body: JSON.stringify({ name }) });
    await stage.customers.update(stage.id, { name: 'Bea' }, `${KEY}5`);
    const pairs = twin.take();
    expect(pairs.map((pair) => pair.first.status)).toEqual([status]);
    expect(pairs.flatMap(problems)).toEqual([]);
  });

  test.each([
    ['POST', 'customers', 'nmae=Ada'],
    ['POST', 'customers', 'validate=true'],
    ['GET', 'customers?page=2', ''],
    ['GET', 'events?kinds[0]=customer.created', ''],
    ['POST', 'webhook_endpoints', 'url=https://example.com/'],
  ])('what Stripe does not know, or misses, both refuse: %s %s %s', async (method, route, body) => {
    const headers = { authorization: `Bearer ${API_KEY}` };
    const form = method === 'POST' ? { body: new URLSearchParams(body) } : {};
    await fetch(`${twin.url}/v1/${route}`, { method, headers, ...form });
    expect(twin.take().map(({ first, second }) => [first.status, second.status])).toEqual([[400, 400]]);
  });

  test('a field that Stripe has not, or of another type, or missing, would be found', () => {
    const event = { id: 'evt_1', object: 'event', type: 'customer.created', created: 1, livemode: false };
    const data = { object: {} };
    const whole = { ...event, pending_webhooks: 0, data };
    expect(openApi.problemsOf('event', whole)).toEqual([]);
    expect(openApi.problemsOf('event', { ...whole, mood: 'fine' })).toEqual([
      '.mood: Stripe has no such field',
    ]);
    expect(openApi.problemsOf('event', { ...whole, created: '1' })).toEqual(['.created: must be an integer']);
    expect(openApi.problemsOf('event', { ...event, data })).toEqual(['.pending_webhooks: is missing']);
    expect(openApi.problemsOf('event', { ...whole, type: null })).toEqual(['.type: must not be null']);
    expect(openApi.problems('GET', '/v1/unicorns', 200, {})).toEqual(['Stripe has no GET /v1/unicorns']);
  });

  test('every call that the connector makes is among the shapes above', () => {
    const sources = readdirSync(CONNECTOR).filter((file) => !file.endsWith('.test.ts'));
    const text = sources.map((file) => readFileSync(path.join(CONNECTOR, file), 'utf8')).join('\n');
    const calls = [...text.matchAll(/\bsdk\.(\w+\.\w+)\(/g)].map((match) => match[1]);
    expect([...new Set(calls)].toSorted()).toEqual([
      'accounts.retrieveCurrent',
      'customers.create',
      'customers.del',
      'customers.list',
      'customers.retrieve',
      'customers.update',
      'events.list',
      'webhookEndpoints.create',
      'webhookEndpoints.del',
      'webhookEndpoints.list',
      'webhookEndpoints.update',
    ]);
  });

  test('the simulator knows the connector’s requests from those of others, deletions included', async () => {
    await stage.customers.update(stage.id, { name: 'Bea' }, `${KEY}6`);
    await stage.customers.remove(stage.id);
    await stage.sdk.customers.create({ name: 'Somebody else' });
    const answer = await fetch(`${simulator.url}/_sim/requests?writes=1`);
    const { data } = (await answer.json()) as { data: { method: string; from: string }[] };
    expect(data.map(({ method, from }) => `${method} ${from}`)).toEqual([
      'POST counterpart',
      'POST counterpart',
      'DELETE counterpart',
      'POST other',
    ]);
  });
}

function customersInEvents(answer: unknown): unknown[] {
  if (typeof answer !== 'object' || answer === null) return [];
  if ('data' in answer && Array.isArray(answer.data)) return answer.data.flatMap(customersInEvents);
  const isEvent = 'object' in answer && answer.object === 'event' && 'data' in answer;
  const { data } = isEvent ? answer : { data: null };
  return typeof data === 'object' && data !== null && 'object' in data ? [data.object] : [];
}
