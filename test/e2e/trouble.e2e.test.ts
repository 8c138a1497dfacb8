/** What goes wrong in an ordinary month, done to the real processes. */
import { createHmac } from 'node:crypto';
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

let stage: Stage;

beforeEach(async () => {
  stage = await startStage({ simulator: { faults: true } });
}, 60_000);

afterEach(() => stage.close());

async function fault(...faults: object[]): Promise<void> {
  await stage.stripe('POST', '/_sim/faults', { faults } as Loose);
}

async function customersThere(): Promise<Loose[]> {
  return (await stage.stripe('GET', '/v1/customers?limit=100')).data;
}

async function show(id: string): Promise<Loose> {
  return (await stage.call('GET', `/customers/${id}`)).body;
}

async function inSync(id: string): Promise<void> {
  await until('it is in sync', async () => (await show(id)).sync[0].state === 'in_sync', 30_000);
}

test("failure 2, I2: the worker is killed between Stripe's answer and our record of it: one customer, not two", async () => {
  await fault({ name: 'slow', method: 'POST', path: '/v1/customers', times: 1, delay_ms: 1_500 });
  const { body } = await stage.call('POST', '/customers', { name: 'Once', email: 'once@example.com' });
  await until(
    'the create was sent',
    async () => (await stage.pool.query('select 1 from counterpart.intents where sends > 0')).rowCount === 1,
  );
  await stage.worker.kill();
  await stage.stripe('DELETE', '/_sim/faults');
  await stage.worker.start();
  await inSync(body.id);
  expect(await customersThere()).toHaveLength(1);
  const { rows } = await stage.pool.query('select count(distinct key)::int as keys from counterpart.intents');
  expect(rows[0].keys).toBe(1);
}, 90_000);

test('failure 1: the answer of a create is lost after it was committed: the same key finds it', async () => {
  await fault({ name: 'answer_lost', method: 'POST', path: '/v1/customers', times: 2 });
  const { body } = await stage.call('POST', '/customers', { name: 'Lost', email: 'lost@example.com' });
  await inSync(body.id);
  expect(await customersThere()).toHaveLength(1);
  const keys = new Set((await stage.writes()).map((write) => write.idempotency_key));
  expect(keys.size).toBe(1);
}, 60_000);

test('failure 52: an update whose answer is lost and an edit back at once: the edit back stands on both sides', async () => {
  const { body } = await stage.call('POST', '/customers', { name: 'A', email: 'ab@example.com' });
  await inSync(body.id);
  const remoteId = (await show(body.id)).sync[0].remote_id;
  await fault({ name: 'answer_lost', method: 'POST', path: '/v1/customers/:id', times: 2 });
  await stage.call('PATCH', `/customers/${body.id}`, { name: 'B' });
  await until(
    'B was sent',
    async () => (await stage.stripe('GET', `/v1/customers/${remoteId}`)).name === 'B',
  );
  await stage.call('PATCH', `/customers/${body.id}`, { name: 'A' });
  await until(
    'A stands there',
    async () => (await stage.stripe('GET', `/v1/customers/${remoteId}`)).name === 'A',
    30_000,
  );
  await inSync(body.id);
  expect(await show(body.id)).toMatchObject({ name: 'A', version: 3 });
}, 60_000);

test('failure 10: the key is revoked: the connection pauses and keeps everything; a resume with a good key lets it go on', async () => {
  await fault({ name: 'unauthorized', path: '/v1/*', times: null });
  const { body } = await stage.call('POST', '/customers', { name: 'Later', email: 'later@example.com' });
  const connection = async () => (await stage.call('GET', '/connections')).body.data[0];
  await until('the connection pauses', async () => (await connection()).state === 'paused');
  expect((await connection()).reason.code).toBe('unauthorized');
  expect((await show(body.id)).sync[0].state).toBe('paused');
  expect((await stage.call('POST', '/connections/stripe/resume')).status).toBe(409);
  await stage.stripe('DELETE', '/_sim/faults');
  expect((await stage.call('POST', '/connections/stripe/resume')).status).toBe(200);
  await inSync(body.id);
  expect(await customersThere()).toHaveLength(1);
}, 60_000);

test("failure 56: another account's key: nothing is deleted, the connection pauses and says whose key it is", async () => {
  const { body } = await stage.call('POST', '/customers', { name: 'Kept', email: 'kept@example.com' });
  await inSync(body.id);
  await fault({ name: 'other_account', path: '/v1/*', times: null });
  await stage.call('POST', `/customers/${body.id}/sync`);
  await until(
    'the connection pauses',
    async () => (await stage.call('GET', '/connections')).body.data[0].state === 'paused',
  );
  const { reason } = (await stage.call('GET', '/connections')).body.data[0];
  expect(reason).toMatchObject({ code: 'other_account' });
  expect(await show(body.id)).toMatchObject({ name: 'Kept' });
}, 60_000);

test("a start with another account's key sends nothing at all: the pending create is not made there", async () => {
  await stage.worker.stop();
  const { body } = await stage.call('POST', '/customers', { name: 'Ours', email: 'ours@example.com' });
  await fault({ name: 'other_account', path: '/v1/*', times: null });
  await stage.worker.start();
  const connection = async () => (await stage.call('GET', '/connections')).body.data[0];
  await until('the connection pauses', async () => (await connection()).state === 'paused');
  expect((await connection()).reason.code).toBe('other_account');
  await until('the record says so', async () => (await show(body.id)).sync[0].state === 'paused');
  expect(await stage.writes()).toEqual([]);
  await stage.stripe('DELETE', '/_sim/faults');
  expect((await stage.call('POST', '/connections/stripe/resume')).status).toBe(200);
  await inSync(body.id);
}, 60_000);

test('Stripe is away: the API keeps answering, the record waits with its reason, and arrives afterwards', async () => {
  await fault({ name: 'refuse_503', path: '/v1/*', times: null });
  const { status, body } = await stage.call('POST', '/customers', {
    name: 'Patient',
    email: 'patient@example.com',
  });
  expect(status).toBe(201);
  await until('it waits', async () => (await show(body.id)).sync[0].state === 'waiting', 60_000);
  expect((await show(body.id)).sync[0].reason.code).toBe('unavailable');
  await stage.stripe('DELETE', '/_sim/faults');
  await inSync(body.id);
  expect(await customersThere()).toHaveLength(1);
}, 120_000);

test('failure 49: a run terminated by hand in the middle of a look loses nothing', async () => {
  await fault({ name: 'hang', method: 'POST', path: '/v1/customers', times: 1 });
  const { body } = await stage.call('POST', '/customers', { name: 'Terminated', email: 't@example.com' });
  await until(
    'the create is under way',
    async () => (await stage.pool.query('select 1 from counterpart.intents where sends > 0')).rowCount === 1,
  );
  const { Client, Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address: stage.temporal.address });
  const client = new Client({ connection, namespace: stage.temporal.namespace });
  await client.workflow.getHandle(`customer/${body.id}`).terminate('by hand');
  await connection.close();
  await inSync(body.id);
  expect(await customersThere()).toHaveLength(1);
}, 90_000);

function delivery(secret: string, at: number, payload: string): Record<string, string> {
  const signature = createHmac('sha256', secret).update(`${at}.${payload}`).digest('hex');
  return { 'stripe-signature': `t=${at},v1=${signature}` };
}

test('failure 19: forged, expired and unsigned webhooks are refused without a row or a word why', async () => {
  const now = Math.floor(Date.now() / 1000);
  const event = {
    id: 'evt_forged',
    object: 'event',
    type: 'customer.created',
    created: now,
    data: { object: { id: 'cus_f' } },
  };
  const payload = JSON.stringify(event);
  const attempts = [
    {},
    delivery('whsec_wrong', now, payload),
    delivery('whsec_e2e0123456789abcdef0123456789abcdef', now - 3_600, payload),
    { 'stripe-signature': 'rubbish' },
  ];
  for (const headers of attempts) {
    const answer = await stage.call('POST', '/webhooks/stripe', event, headers);
    expect(answer.status).toBe(400);
    expect(answer.body).not.toHaveProperty('detail');
  }
  const { rows } = await stage.pool.query(`select 1 from counterpart.events where id = 'evt_forged'`);
  expect(rows).toEqual([]);
});

test('an event of an unknown type is taken, recorded as ignored, and queues nothing', async () => {
  const now = Math.floor(Date.now() / 1000);
  const event = {
    id: 'evt_unknown',
    object: 'event',
    type: 'invoice.paid',
    created: now,
    livemode: false,
    api_version: null,
    pending_webhooks: 0,
    request: null,
    data: { object: { id: 'in_1', object: 'invoice' } },
  };
  const secret = 'whsec_e2e0123456789abcdef0123456789abcdef';
  const answer = await stage.call(
    'POST',
    '/webhooks/stripe',
    event,
    delivery(secret, now, JSON.stringify(event)),
  );
  expect(answer.status).toBe(200);
  const { rows } = await stage.pool.query(`select result from counterpart.events where id = 'evt_unknown'`);
  expect(rows).toEqual([{ result: 'ignored' }]);
});

test("I16: personal values planted as canaries are in no log and nowhere in Temporal's history", async () => {
  const canary = 'canary7f3a';
  await fault(
    { name: 'answer_lost', method: 'POST', path: '/v1/customers', times: 2 },
    { name: 'error_500', method: 'POST', path: '/v1/customers/:id', times: 1 },
  );
  const { body } = await stage.call('POST', '/customers', {
    name: `Name ${canary}`,
    email: `${canary}@example.com`,
  });
  await inSync(body.id);
  const remoteId = (await show(body.id)).sync[0].remote_id;
  await stage.call('PATCH', `/customers/${body.id}`, { name: `Second ${canary}` });
  await inSync(body.id);
  await stage.stripe('POST', `/v1/customers/${remoteId}`, { email: `${canary}@example.org` });
  await stage.pool.query(
    `insert into counterpart.customers (name, email) values ('Import ${canary}', 'no address ${canary}')`,
  );
  await until(
    'the import is parked',
    async () => (await stage.call('GET', '/customers?sync_state=parked')).body.data.length === 1,
  );
  await inSync(body.id);

  const { Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address: stage.temporal.address });
  const { namespace } = stage.temporal;
  const { executions } = await connection.workflowService.listWorkflowExecutions({ namespace });
  expect(executions?.length).toBeGreaterThan(1);
  for (const run of executions ?? []) {
    const { history } = await connection.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: run.execution ?? null,
    });
    const { events } = history ?? {};
    const decoded = JSON.stringify(events, (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
    );
    expect(decoded).toMatch(/customer|sweep/);
    expect(decoded).not.toContain(canary);
  }
  await connection.close();
  for (const output of [stage.api.output(), stage.worker.output()]) {
    expect(output.length).toBeGreaterThan(100);
    expect(output).not.toContain(canary);
  }
  for (const url of [`${stage.url}/metrics`, `${stage.workerUrl}/metrics`]) {
    expect(await (await fetch(url)).text()).not.toContain(canary);
  }
}, 90_000);
