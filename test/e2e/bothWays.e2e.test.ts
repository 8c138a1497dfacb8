/** A customer's life on both sides, through the real processes: what a new user tries first. */
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

let stage: Stage;

beforeAll(async () => {
  stage = await startStage();
}, 60_000);

afterAll(() => stage.close());

async function created(fields: object): Promise<{ id: string; remoteId: string }> {
  const { status, body } = await stage.call('POST', '/customers', fields);
  expect(status).toBe(201);
  return { id: body.id, remoteId: await linked(body.id) };
}

async function show(id: string): Promise<Loose> {
  return (await stage.call('GET', `/customers/${id}`)).body;
}

async function linked(id: string): Promise<string> {
  await until('it is in sync', async () => (await show(id)).sync?.[0]?.state === 'in_sync');
  return (await show(id)).sync[0].remote_id;
}

test('a customer created here stands in Stripe, in one write, and its echo causes none', async () => {
  const before = (await stage.writes()).length;
  const { id, remoteId } = await created({ name: 'Ada Lovelace', email: 'ada@example.com' });
  const there = await stage.stripe('GET', `/v1/customers/${remoteId}`);
  expect(there).toMatchObject({ name: 'Ada Lovelace', email: 'ada@example.com' });
  expect(Object.values(there.metadata)).toEqual([id]);
  await until('the echo was heard', async () => {
    const { rows } = await stage.pool.query(`select result from counterpart.events where remote_id = $1`, [
      remoteId,
    ]);
    return rows[0]?.result === 'echo';
  });
  await stage.settled();
  expect((await stage.writes()).length).toBe(before + 1);
});

test('an edit in Stripe stands here, without any write to Stripe', async () => {
  const { id, remoteId } = await created({ name: 'Grace', email: 'grace@example.com' });
  const before = (await stage.writes()).length;
  await stage.stripe('POST', `/v1/customers/${remoteId}`, { name: 'Grace Hopper' });
  await until('the edit arrived', async () => (await show(id)).name === 'Grace Hopper');
  await stage.settled();
  expect(await show(id)).toMatchObject({ version: 2, sync: [{ state: 'in_sync', synced_version: 2 }] });
  expect((await stage.writes()).length).toBe(before);
});

test('failure 62: an UPDATE in psql arrives in Stripe, and only the changed field is sent', async () => {
  const { id, remoteId } = await created({ name: 'Barbara', email: 'barbara@example.com' });
  await stage.pool.query(`update counterpart.customers set name = 'Barbara Liskov' where id = $1`, [id]);
  await until(
    'it arrived',
    async () => (await stage.stripe('GET', `/v1/customers/${remoteId}`)).name === 'Barbara Liskov',
  );
  const sent = (await stage.writes()).filter((write) => write.path.endsWith(remoteId));
  expect(sent.map((write) => write.params)).toEqual([{ name: 'Barbara Liskov' }]);
});

test('a customer born in Stripe becomes one here, and Stripe hears nothing of it', async () => {
  const before = (await stage.writes()).length;
  const born = await stage.stripe('POST', '/v1/customers', { name: 'Radia', email: 'radia@example.com' });
  await until(
    'it stands here',
    async () => (await stage.call('GET', '/customers?email=radia@example.com')).body.data.length === 1,
  );
  const { data } = (await stage.call('GET', '/customers?email=radia@example.com')).body;
  expect(await linked(data[0].id)).toBe(born.id);
  expect((await stage.stripe('GET', `/v1/customers/${born.id}`)).metadata).toEqual({});
  expect((await stage.writes()).length).toBe(before);
});

test('deleted here: gone in Stripe, 410 here; restored: a new customer there', async () => {
  const { id, remoteId } = await created({ name: 'Hedy', email: 'hedy@example.com' });
  expect((await stage.call('DELETE', `/customers/${id}`)).status).toBe(204);
  await until(
    'it is gone there',
    async () => (await stage.stripe('GET', `/v1/customers/${remoteId}`)).deleted === true,
  );
  await stage.settled();
  const gone = await stage.call('GET', `/customers/${id}`);
  expect(gone.status).toBe(410);
  expect((await stage.call('POST', `/customers/${id}/restore`)).status).toBe(200);
  const renewed = await linked(id);
  expect(renewed).not.toBe(remoteId);
  expect(await show(id)).toMatchObject({ name: 'Hedy', version: 3 });
});

test('deleted in Stripe: a tombstone here, and I6: a late edit event does not revive it', async () => {
  const { id, remoteId } = await created({ name: 'Edsger', email: 'edsger@example.com' });
  await stage.stripe('DELETE', `/v1/customers/${remoteId}`);
  await until('it is gone here', async () => (await stage.call('GET', `/customers/${id}`)).status === 410);
  await stage.settled();
  const { rows } = await stage.pool.query(
    'select state, outcome from counterpart.links where remote_id = $1',
    [remoteId],
  );
  expect(rows).toEqual([{ state: 'retired', outcome: 'deleted' }]);
});

test('failure 26: e-mail changed in Stripe while the name changed here: both survive', async () => {
  const { id, remoteId } = await created({ name: 'Alan', email: 'alan@example.com' });
  await Promise.all([
    stage.call('PATCH', `/customers/${id}`, { name: 'Alan Turing' }),
    stage.stripe('POST', `/v1/customers/${remoteId}`, { email: 'turing@example.com' }),
  ]);
  const both = { name: 'Alan Turing', email: 'turing@example.com' };
  const stands = async (): Promise<boolean> => {
    const sides = [await show(id), await stage.stripe('GET', `/v1/customers/${remoteId}`)];
    return sides.every((side) => side.name === both.name && side.email === both.email);
  };
  await until('both changes stand on both sides', stands);
});

test('failure 27: the same field edited on both sides at once: ours wins, theirs is kept and can be taken after all', async () => {
  const { id, remoteId } = await created({ name: 'Donald', email: 'donald@example.com' });
  await stage.worker.stop();
  await stage.stripe('POST', `/v1/customers/${remoteId}`, { name: 'Don' });
  await stage.call('PATCH', `/customers/${id}`, { name: 'Donald Knuth' });
  await stage.worker.start();
  await until(
    'ours stands there',
    async () => (await stage.stripe('GET', `/v1/customers/${remoteId}`)).name === 'Donald Knuth',
  );
  await stage.settled();
  const { data } = (await stage.call('GET', `/customers/${id}/conflicts`)).body;
  expect(data).toEqual([
    expect.objectContaining({ field: 'name', ours: 'Donald Knuth', theirs: 'Don', winner: 'local' }),
  ]);
  expect((await stage.call('POST', `/customers/${id}/conflicts/${data[0].id}/apply`)).status).toBe(200);
  await until(
    'the loser stands there',
    async () => (await stage.stripe('GET', `/v1/customers/${remoteId}`)).name === 'Don',
  );
}, 60_000);

test('I7: everything delivered again and everything looked at again makes no write', async () => {
  await stage.settled();
  const before = (await stage.writes()).length;
  const deliveries = await stage.pool.query('select count(*)::int as n from counterpart.events');
  expect(deliveries.rows[0].n).toBeGreaterThan(5);
  await stage.pool.query(
    `select counterpart.enqueue('customer', (select array_agg(id) from counterpart.customers), 'operator')`,
  );
  await stage.settled();
  expect((await stage.writes()).length).toBe(before);
});

test('an e-mail Stripe refuses parks with a reason, and the next edit heals it', async () => {
  // past the API, whose limits are Stripe's: an import by SQL
  const { rows } = await stage.pool.query(
    `insert into counterpart.customers (name, email) values ('Import', 'not an address') returning id`,
  );
  const { id } = rows[0];
  await until('it is parked', async () => (await show(id)).sync[0].state === 'parked');
  const [{ reason }] = (await show(id)).sync;
  expect(reason).toMatchObject({ code: 'rejected', field: 'email' });
  expect(JSON.stringify(reason)).not.toContain('not an address');
  await stage.call('PATCH', `/customers/${id}`, { email: 'import@example.com' });
  await linked(id);
});
