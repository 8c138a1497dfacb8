/** What would go on for ever, or too far, stops by itself and says so: through the real processes. */
import { SWINGS_MAX } from '../../src/core/pingPong';
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

const STOPPED_MS = 60_000;
const GUARDED = 3;

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ env: { DELETE_GUARD: `${GUARDED}/1h` } });
}, 60_000);
afterAll(() => stage.close());

async function syncOf(id: string): Promise<Loose> {
  return (await stage.call('GET', `/customers/${id}`)).body.sync[0];
}

async function create(name: string): Promise<string> {
  const email = `${name.toLowerCase()}@guards.example`;
  const { body } = await stage.call('POST', '/customers', { name, email });
  await until('it is in sync', async () => (await syncOf(body.id)).state === 'in_sync', 30_000);
  return body.id;
}

async function nameThere(remoteId: string): Promise<string> {
  return (await stage.stripe('GET', `/v1/customers/${remoteId}`)).name;
}

async function living(): Promise<number> {
  return (await stage.stripe('GET', '/v1/customers?limit=100')).data.length;
}

test('failure 30: two automations that put their own value back: writes stop, the record parks, others go on', async () => {
  const id = await create('Ours');
  const other = await create('Other');
  const { remote_id: remoteId } = await syncOf(id);
  const before = (await stage.writes()).length;
  /** One turn of both automations: each answers what it finds with its own value. */
  async function insist(): Promise<void> {
    const { body } = await stage.call('GET', `/customers/${id}`);
    if (body.name !== 'Ours') await stage.call('PATCH', `/customers/${id}`, { name: 'Ours' });
    if ((await nameThere(remoteId)) !== 'Theirs') {
      await stage.stripe('POST', `/v1/customers/${remoteId}`, { name: 'Theirs' });
    }
  }
  await until(
    'the breaker trips',
    async () => {
      await insist();
      return (await syncOf(id)).state === 'parked';
    },
    STOPPED_MS,
  );
  expect((await syncOf(id)).reason).toMatchObject({ code: 'ping_pong', field: 'name' });
  expect((await stage.writes()).length - before).toBeLessThanOrEqual(SWINGS_MAX);
  const writes = (await stage.writes()).length;
  // they go on, and the other record is not held up by them
  for (let turn = 0; turn < 5; turn += 1) {
    await insist();
    await stage.call('PATCH', `/customers/${other}`, { name: `Other ${turn}` });
    await until('the other is in sync', async () => (await syncOf(other)).state === 'in_sync', 30_000);
    await stage.settled();
  }
  expect((await stage.writes()).slice(writes).filter(({ path }) => path.includes(remoteId))).toEqual([]);
  const { body: lost } = await stage.call('GET', `/customers/${id}/conflicts`);
  expect(lost.data).toContainEqual(
    expect.objectContaining({ field: 'name', cause: 'ping_pong', winner: 'ask', resolved_at: null }),
  );
  // the automations are off; a person decides
  await stage.call('PATCH', `/customers/${id}`, { name: 'Decided' });
  await stage.call('POST', `/customers/${id}/sync`);
  await until('it is healed', async () => (await nameThere(remoteId)) === 'Decided', 30_000);
  await until('it is in sync', async () => (await syncOf(id)).state === 'in_sync', 30_000);
}, 180_000);

test('a burst of deletions is held, outlives a killed worker, and goes on when a person allows it', async () => {
  const ids: string[] = [];
  for (const name of ['Ann', 'Bo', 'Cy', 'Di', 'Ed']) ids.push(await create(name));
  const standing = await living();
  await stage.pool.query('delete from counterpart.customers where id = any($1)', [ids]);
  await stage.settled();
  expect(await living()).toBe(standing - GUARDED);
  await stage.worker.kill();
  await stage.worker.start();
  await stage.settled();
  const { body } = await stage.call('GET', '/status');
  expect(body.connections[0].held_deletions).toMatchObject([{ direction: 'out', held: 2 }]);
  expect(body.parked.map(({ reason }: Loose) => reason.code)).toEqual(['delete_burst', 'delete_burst']);
  const live = await create('Fay');
  expect((await syncOf(live)).state).toBe('in_sync');
  expect((await stage.call('POST', '/connections/stripe/allow-deletes')).body.released).toBe(2);
  await stage.settled();
  expect(await living()).toBe(standing - ids.length + 1);
}, 120_000);
