import { randomUUID } from 'node:crypto';
import { describeConnector } from './describeConnector';
import { INSTALLATION, KEY, MARK, stripeSettings } from './stripeSettings';
import { startWire } from './wire';
import { CUSTOMER } from '../../src/catalogs/customer/customer';
import { createStripeConnector } from '../../src/connectors/stripe';
import { parseRecordId, parseRemoteId, trusted } from '../../src/core/ids';
import { startSimulator } from '../../src/simulators/stripe';
import type { Person } from './stage';
import type { RemoteCatalog } from '../../src/connectors/connector';
import type { Fields } from '../../src/core/fields';
import type { RecordId } from '../../src/core/ids';
import type { Simulator } from '../../src/simulators/stripe';

const API_KEY = 'sk_test_contract';
const CANARY = 'canary-7731';

type Pairs = Readonly<Record<string, string>>;

function form(fields: Fields, marks: Pairs = {}): URLSearchParams {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) body.append(name, String(value ?? ''));
  for (const [name, value] of Object.entries(marks)) body.append(`metadata[${name}]`, value);
  return body;
}

/** Plays a person in the dashboard: plain calls without an idempotency key. */
function dashboard(apiBase: string): Person {
  const send = async (method: string, path: string, body?: URLSearchParams): Promise<unknown> => {
    const headers = { authorization: `Bearer ${API_KEY}` };
    const init = body === undefined ? { method, headers } : { method, headers, body };
    const response = await fetch(`${apiBase}/v1/customers${path}`, init);
    if (!response.ok) throw new Error(`The dashboard's ${method} was answered ${response.status}`);
    return response.json();
  };
  return {
    createBare: async (fields, marks) => {
      const body = await send('POST', '', form(fields, marks));
      const id = typeof body === 'object' && body !== null && 'id' in body ? body.id : null;
      return trusted(parseRemoteId(String(id)), 'remote id');
    },
    edit: async (remoteId, fields) => void (await send('POST', `/${remoteId}`, form(fields))),
    delete: async (remoteId) => void (await send('DELETE', `/${remoteId}`)),
  };
}

function connectTo(simulator: Simulator, webhookSecrets: readonly string[] = []) {
  return createStripeConnector(
    stripeSettings({ apiKey: API_KEY, apiBase: simulator.url, webhookSecrets, simulated: true }),
  );
}

describeConnector('stripe/, on the simulator', async () => {
  const simulator = await startSimulator({ port: 0 });
  return {
    connector: connectTo(simulator),
    installation: INSTALLATION,
    catalog: CUSTOMER.name,
    remote: dashboard(simulator.url),
    fields: ['name', 'email'],
    refused: { values: { name: CANARY, email: `${CANARY} is no address` }, canary: CANARY },
    identity: { account: 'acct_sim', apiBase: simulator.url, mode: 'simulator' },
    stop: () => simulator.close(),
  };
});

describe('stripe/ when the simulator misbehaves', () => {
  let simulator: Simulator;
  let customers: RemoteCatalog;
  let record: RecordId;
  const values = { name: 'Ada', email: 'ada@example.com' };
  const since = Math.floor(Date.now() / 1000);

  beforeAll(async () => {
    simulator = await startSimulator({ port: 0, faults: true });
    const found = connectTo(simulator).catalogs.get(CUSTOMER.name);
    if (found === undefined) throw new Error('Stripe has customers');
    customers = found;
  });
  afterAll(() => simulator.close());
  beforeEach(async () => {
    record = trusted(parseRecordId(randomUUID()), 'record id');
    await control('/_sim/reset');
  });

  async function control(path: string, body?: unknown): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(simulator.url + path, {
      method: 'POST',
      headers,
      body: JSON.stringify(body ?? {}),
    });
    if (!response.ok) throw new Error(`${path} was answered ${response.status}`);
  }
  const fault = (name: string, rest: object = {}): Promise<void> =>
    control('/_sim/faults', { faults: [{ name, ...rest }] });

  test('1: the answer is lost after the create committed: the repeat replays, nothing is created twice', async () => {
    await fault('answer_lost', { method: 'POST' });
    const lost = await customers.create(values, record, KEY);
    expect(lost).toMatchObject({
      kind: 'failed',
      failure: { kind: 'unavailable', definite: false, replayed: false },
    });
    const again = await customers.create(values, record, KEY);
    expect(again).toMatchObject({ kind: 'answered', replayed: true, value: { claims: record } });
  });

  test('3: lost, and the key forgotten: it is found by the key in the events', async () => {
    await fault('answer_lost', { method: 'POST' });
    await customers.create(values, record, KEY);
    await fault('expire_keys');
    const trace = await customers.findCreated({ key: KEY, recordId: record, since, until: since });
    expect(trace).toMatchObject({ kind: 'answered', value: { kind: 'found' } });
  });

  test.each([
    ['the event was never made', 'drop_events', {}],
    ['the event names no key', 'strip_request', {}],
    ['the event surfaces much later', 'delay_events', { delay_ms: 60_000 }],
  ])('3: found by our mark when %s', async (_story, name, rest) => {
    await fault(name, rest);
    const created = await customers.create(values, record, KEY);
    const trace = await customers.findCreated({ key: KEY, recordId: record, since, until: since });
    if (created.kind !== 'answered') throw new Error('The create was expected to be answered');
    expect(trace).toMatchObject({ value: { kind: 'found', remoteId: created.value.remoteId } });
  });

  test('a reading that failed is never absent', async () => {
    for (const path of ['/v1/events', '/v1/customers']) {
      for (const after of [0, 1]) {
        await fault('refuse_503', { method: 'GET', path, after });
        const trace = await customers.findCreated({ key: KEY, recordId: record, since, until: since });
        expect(trace).toMatchObject({
          kind: 'failed',
          failure: { kind: 'unavailable', status: 503, definite: false },
        });
      }
    }
  });

  test('8: a first 500 says nothing; the stored one, replayed, ends the intent', async () => {
    await fault('error_500', { method: 'POST' });
    const first = await customers.create(values, record, KEY);
    const again = await customers.create(values, record, KEY);
    expect([first, again]).toMatchObject([
      { failure: { kind: 'unavailable', status: 500, replayed: false, definite: false } },
      { failure: { kind: 'unavailable', status: 500, replayed: true, definite: true } },
    ]);
  });

  test.each([
    ['5: the key is in use', 'conflict_409', {}, { kind: 'stale', code: 'idempotency_key_in_use' }],
    ['6: an object is locked', 'lock_timeout', {}, { kind: 'rate-limited', code: 'lock_timeout' }],
    [
      '7: a limiter refuses',
      'rate_limited',
      { reason: 'endpoint-rate' },
      { kind: 'rate-limited', code: 'endpoint-rate' },
    ],
    ['10: the key was revoked', 'unauthorized', {}, { kind: 'unauthorized', status: 401 }],
    ['11: the connection is reset', 'reset', {}, { kind: 'unavailable', code: 'ECONNRESET' }],
  ])('%s: nothing happened for good, the same key succeeds later', async (_story, name, rest, expected) => {
    await fault(name, { method: 'POST', ...rest });
    const refused = await customers.create(values, record, KEY);
    expect(refused).toMatchObject({ kind: 'failed', failure: { ...expected, definite: false } });
    expect(await customers.create(values, record, KEY)).toMatchObject({ kind: 'answered', replayed: false });
  });

  test("56: another account's key: everything is gone, nothing reads as deleted", async () => {
    const made = await customers.create(values, record, KEY);
    if (made.kind !== 'answered') throw new Error('The create was expected to be answered');
    await fault('other_account', { times: null });
    expect(await customers.read(made.value.remoteId)).toMatchObject({
      kind: 'failed',
      failure: { kind: 'gone' },
    });
    expect(await connectTo(simulator).identify()).toMatchObject({ value: { account: 'acct_other' } });
  });
});

test('a delivery of the simulator is received: the event of a person, by the old secret and the new', async () => {
  const [older, newer, other] = ['whsec_older', 'whsec_newer', 'whsec_other'] as const;
  const wire = await startWire();
  const simulator = await startSimulator({
    port: 0,
    webhook: { url: `${wire.url}/webhooks/stripe`, secret: newer },
  });
  const delivered = wire.next();
  const remoteId = await dashboard(simulator.url).createBare({ name: 'Ada' }, { [MARK]: 'not a record' });
  const { body, headers } = await delivered;
  const signed = { 'stripe-signature': String(headers['stripe-signature']) };

  const expected = { change: 'created', remoteId, claims: null, fields: { name: 'Ada', email: null } };
  const event = { type: 'customer.created', causedByKey: null, live: false, subject: expected };
  expect(connectTo(simulator, [older, newer]).receive(body, signed, Date.now())).toMatchObject({
    kind: 'event',
    event,
  });
  expect(connectTo(simulator, [other]).receive(body, signed, Date.now())).toEqual({ kind: 'forged' });
  await simulator.close();
  await wire.stop();
});
