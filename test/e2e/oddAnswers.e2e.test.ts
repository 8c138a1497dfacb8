/** Stripe, a proxy or a person there does what nobody expects: told through the real processes, all on one account. */
import { createHmac } from 'node:crypto';
import { until } from '../environment/until';
import { SECRET, startStage } from './stage';
import type { Loose, Stage } from './stage';

const CONVERGED_MS = 30_000;

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ simulator: { faults: true } });
}, 60_000);
afterEach(() => stage.stripe('DELETE', '/_sim/faults'));
afterAll(() => stage.close());

async function fault(...faults: object[]): Promise<void> {
  await stage.stripe('POST', '/_sim/faults', { faults } as Loose);
}

async function show(id: string): Promise<Loose> {
  return (await stage.call('GET', `/customers/${id}`)).body;
}

async function inSync(id: string): Promise<void> {
  await until('it is in sync', async () => (await show(id)).sync[0].state === 'in_sync', CONVERGED_MS);
}

/** Made here and standing there. @returns both ids */
async function created(name: string): Promise<{ id: string; remoteId: string }> {
  const email = `${name.toLowerCase().replaceAll(' ', '.')}@odd.example`;
  const { body } = await stage.call('POST', '/customers', { name, email });
  await inSync(body.id);
  return { id: body.id, remoteId: (await show(body.id)).sync[0].remote_id };
}

async function there(remoteId: string): Promise<Loose> {
  return stage.stripe('GET', `/v1/customers/${remoteId}`);
}

async function here(email: string): Promise<Loose[]> {
  return (await stage.call('GET', `/customers?email=${email}`)).body.data;
}

/** What the product has asked Stripe about this object. */
async function askedAbout(remoteId: string): Promise<Loose[]> {
  const { data } = await stage.stripe('GET', '/_sim/requests?from=counterpart&limit=10000');
  return data.filter(({ path }: Loose) => path === `/v1/customers/${remoteId}`);
}

/** As Stripe would deliver it. @returns what was made of it */
async function deliver(event: Loose): Promise<string> {
  const at = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', SECRET)
    .update(`${at}.${JSON.stringify(event)}`)
    .digest('hex');
  const headers = { 'stripe-signature': `t=${at},v1=${signature}` };
  expect((await stage.call('POST', '/webhooks/stripe', event, headers)).status).toBe(200);
  const { rows } = await stage.pool.query('select result from counterpart.events where id = $1', [event.id]);
  return rows[0].result;
}

test("failure 24: another account's and the other mode's events change nothing; one of an old API version is heard", async () => {
  const { id, remoteId } = await created('Versed');
  const [model] = (await stage.stripe('GET', '/v1/events?type=customer.created&limit=1')).data;
  const { request: _, ...unasked } = model;
  const before = (await askedAbout(remoteId)).length;
  const deletion = { ...unasked, type: 'customer.deleted' };
  expect(await deliver({ ...deletion, id: 'evt_live', livemode: true })).toBe('ignored');
  expect(await deliver({ ...deletion, id: 'evt_connected', account: 'acct_other' })).toBe('ignored');
  const strange = { object: { ...model.data.object, id: 'cus_strange', email: 'strange@odd.example' } };
  const birth = { ...unasked, id: 'evt_strange', account: 'acct_other', data: strange };
  expect(await deliver(birth)).toBe('ignored');
  await stage.settled();
  expect(await askedAbout(remoteId)).toHaveLength(before);
  expect(await askedAbout('cus_strange')).toEqual([]);
  expect(await here('strange@odd.example')).toEqual([]);
  expect(await show(id)).toMatchObject({ name: 'Versed', sync: [{ state: 'in_sync' }] });

  // until 2017-05-25 `request` was a bare id; such an account tells neither keys nor what we do not read
  await fault({ name: 'drop-deliveries' });
  await stage.stripe('POST', `/v1/customers/${remoteId}`, { name: 'Conversed' });
  const [edit] = (await stage.stripe('GET', '/v1/events?type=customer.updated&limit=1')).data;
  expect(edit.data.object.id).toBe(remoteId);
  expect(await deliver({ ...edit, api_version: '2016-07-06', request: 'req_old' })).toBe('queued');
  await until('the edit is here', async () => (await show(id)).name === 'Conversed');
}, 60_000);

test('failure 55, I7: Stripe cuts a name: its form stands on both sides, ours is kept as lost, and nothing is sent twice', async () => {
  await fault({
    name: 'alter-values',
    method: 'POST',
    field: 'name',
    how: 'truncate',
    length: 6,
    times: null,
  });
  const before = (await stage.writes()).length;
  const { id, remoteId } = await created('Maximilian');
  expect([(await show(id)).name, (await there(remoteId)).name]).toEqual(['Maximi', 'Maximi']);
  await stage.call('PATCH', `/customers/${id}`, { name: 'Theodora' });
  await until('the edit is there', async () => (await there(remoteId)).name === 'Theodo', CONVERGED_MS);
  await inSync(id);
  await stage.call('POST', `/customers/${id}/sync`);
  await stage.settled();
  expect([(await show(id)).name, (await there(remoteId)).name]).toEqual(['Theodo', 'Theodo']);
  expect(await stage.writes()).toHaveLength(before + 2);
  const { body: lost } = await stage.call('GET', `/customers/${id}/conflicts`);
  expect(lost.data.map(({ ours, theirs, cause, winner }: Loose) => [ours, theirs, cause, winner])).toEqual([
    ['Theodora', 'Theodo', 'altered', 'remote'],
    ['Maximilian', 'Maximi', 'altered', 'remote'],
  ]);
}, 60_000);

test("failure 58, I2: a copy with all its metadata parks and its deletion is not the original's; without the mark it is a customer of its own", async () => {
  const { id, remoteId } = await created('Original');
  const { metadata } = await there(remoteId);
  const [[mark, owner]] = Object.entries(metadata) as [[string, string]];
  expect(owner).toBe(id);
  const copied = { name: 'Copy', email: 'copy@odd.example', [`metadata[${mark}]`]: owner };
  const [gone, kept] = await Promise.all([
    stage.stripe('POST', '/v1/customers', copied),
    stage.stripe('POST', '/v1/customers', { ...copied, email: 'kept@odd.example' }),
  ]);
  const parked = async (): Promise<Loose[]> => (await stage.call('GET', '/status')).body.parked;
  await until('both copies are parked', async () => (await parked()).length === 2);
  expect((await parked()).map(({ reason }) => reason.code)).toEqual(['claims_record', 'claims_record']);
  await stage.stripe('DELETE', `/v1/customers/${gone.id}`);
  await until('one is heard to be gone', async () => (await parked()).length === 1);
  await stage.stripe('POST', `/v1/customers/${remoteId}`, { name: 'Original, edited' });
  await until('the original goes on', async () => (await show(id)).name === 'Original, edited');
  await inSync(id);
  expect((await show(id)).sync).toMatchObject([{ remote_id: remoteId }]);
  expect([await here('copy@odd.example'), await here('kept@odd.example')]).toEqual([[], []]);

  await stage.stripe('POST', `/v1/customers/${kept.id}`, { [`metadata[${mark}]`]: '' });
  await until('it is a customer here', async () => (await here('kept@odd.example')).length === 1);
  const [own] = await here('kept@odd.example');
  expect(own.id).not.toBe(id);
  await inSync(own.id);
  expect((await show(own.id)).sync).toMatchObject([{ remote_id: kept.id }]);
  expect(await parked()).toEqual([]);
}, 60_000);

test('failure 63, I17: a proxy answers 504 and the work is done behind it all the same: once, for a create, an update and a deletion', async () => {
  const late = { name: 'gateway-timeout', commit_after_ms: 500 };
  const before = (await stage.writes()).length;
  await fault({ ...late, method: 'POST', path: '/v1/customers' });
  const { id, remoteId } = await created('Gated');
  const { data } = await stage.stripe('GET', '/v1/customers?email=gated@odd.example');
  expect(data).toMatchObject([{ id: remoteId, name: 'Gated' }]);

  await fault({ ...late, method: 'POST', path: `/v1/customers/${remoteId}` });
  await stage.call('PATCH', `/customers/${id}`, { name: 'Gated, edited' });
  await until('it is there', async () => (await there(remoteId)).name === 'Gated, edited', CONVERGED_MS);
  await inSync(id);
  const writes = (await stage.writes()).slice(before);
  expect(new Set(writes.map((write) => write.idempotency_key)).size).toBe(2);
  const { data: events } = await stage.stripe('GET', '/v1/events?limit=100');
  const about = (type: string): number =>
    events.filter((event: Loose) => event.type === type && event.data.object.id === remoteId).length;
  expect([about('customer.created'), about('customer.updated')]).toEqual([1, 1]);

  await fault({ ...late, method: 'DELETE', path: `/v1/customers/${remoteId}` });
  await stage.call('DELETE', `/customers/${id}`);
  await until('it is gone there', async () => (await there(remoteId)).deleted === true, CONVERGED_MS);
  await stage.settled();
  const { rows } = await stage.pool.query(
    'select state, outcome from counterpart.links where record_id = $1',
    [id],
  );
  expect(rows).toMatchObject([{ state: 'retired' }]);
}, 90_000);
