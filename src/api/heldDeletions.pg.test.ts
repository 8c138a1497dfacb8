/** What an operator sees of a burst of deletions that is held, and what there is to press. */
import { listConnections } from '../bin/connectionViews';
import { runCounterpart } from '../cli';
import { admitDeletion } from '../store/deleteGuard';
import type { Deletion } from '../store/deleteGuard';
import { createStore } from '../store/store';
import { parseConnectionName, trusted } from '../core/ids';
import { heldReason } from '../core/deleteGuard';
import type { DeleteDirection } from '../core/deleteGuard';
import { startForTest } from './api-for-tests';
import type { TestApi } from './api-for-tests';

const STRIPE = trusted(parseConnectionName('stripe'), 'connection name');
const NONE = { count: 0, percent: 0, windowMs: 600_000 };

let api: TestApi;
beforeAll(async () => {
  api = await startForTest((deps) => ({
    ...deps,
    connections: {
      ...deps.connections,
      list: () => listConnections({ store: createStore(deps.database), config: { connections: [] } }),
    },
  }));
});
afterAll(() => api.close());
beforeEach(async () => {
  for (const table of ['customers', 'links', 'work_queue', 'delete_guards', 'delete_passes']) {
    await api.database.query(`delete from counterpart.${table}`);
  }
});

/** A linked customer whose deletion a look found and the guard held, as the look leaves it. */
async function heldCustomer(direction: DeleteDirection): Promise<string> {
  const { id } = await api.customer({ name: 'Ann' });
  const { rows } = await api.database.query<{ id: number }>(
    `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, outcome, reason, reason_since)
     values ('stripe', 'customer', $1::uuid, 1, 'cus_' || $1::text, 'linked', 'local', 'parked', $2, now()) returning id`,
    [id, JSON.stringify(heldReason(direction))],
  );
  if (direction === 'out') await api.call('DELETE', `/customers/${id}`);
  const deletion: Deletion = { linkId: rows[0]!.id, connection: STRIPE, direction, version: 2 };
  expect(await api.database.transact((sql) => admitDeletion(sql, deletion, NONE))).toMatchObject({
    kind: 'held',
  });
  await api.database.query('delete from counterpart.work_queue');
  return id;
}

async function cli(...args: string[]) {
  let out = '';
  const terminal = { env: { COUNTERPART_URL: api.url }, now: () => Date.now(), version: '' };
  const code = await runCounterpart(args, {
    ...terminal,
    out: (text) => void (out += text),
    err: (text) => void (out += text),
  });
  return { code, out };
}

test('GET /connections and /status tell since when, how many, in which direction, and what to do', async () => {
  await heldCustomer('out');
  await heldCustomer('in');
  const held = [
    { direction: 'out', held: 1, action: expect.stringContaining('counterpart allow-deletes') },
    { direction: 'in', held: 1 },
  ];
  const { body } = await api.call('GET', '/connections');
  expect(body.data).toMatchObject([{ name: 'stripe', state: 'active', held_deletions: held }]);
  expect((await api.call('GET', '/status')).body).toMatchObject({
    connections: [{ held_deletions: held, parked_by_reason: { delete_burst: 2 } }],
  });
});

test('POST …/allow-deletes queues what was held, once; an unknown connection is a 404', async () => {
  const id = await heldCustomer('out');
  const { status, body } = await api.call('POST', '/connections/stripe/allow-deletes');
  expect({ status, body }).toMatchObject({ status: 200, body: { released: 1, held_deletions: [] } });
  const { rows } = await api.database.query('select record_id, hint from counterpart.work_queue');
  expect(rows).toEqual([{ record_id: id, hint: 'operator' }]);
  expect((await api.call('POST', '/connections/nobody/allow-deletes')).status).toBe(404);
});

test('restoring a customer whose deletion came in and is held keeps it: it is looked at', async () => {
  const id = await heldCustomer('in');
  expect((await api.call('POST', `/customers/${id}/restore`)).status).toBe(200);
  const { rows } = await api.database.query('select verdict from counterpart.delete_passes');
  expect(rows).toEqual([{ verdict: 'kept' }]);
  expect((await api.database.query('select from counterpart.work_queue')).rowCount).toBe(1);
});

test('the command line shows what is held and lets it go', async () => {
  await heldCustomer('out');
  const before = await cli('status');
  expect(before.code).toBe(1);
  expect(before.out).toMatch(/stripe: 1 deletion going out held for \d+ s\. Unusually many deletions/);
  expect(before.out).toContain('counterpart allow-deletes');
  const allowed = await cli('allow-deletes', 'stripe');
  expect(allowed).toMatchObject({
    code: 0,
    out: expect.stringContaining('1 deletion that was held goes on'),
  });
  expect((await cli('status')).out).not.toContain('going out');
  expect((await cli('allow-deletes', 'nobody')).code).toBe(2);
});

test('failure 30: asking for a customer again forgets how often its fields were rewritten', async () => {
  const id = await heldCustomer('in');
  const swings = async () => {
    const { rows } = await api.database.query<{ swings: object }>('select swings from counterpart.links');
    return rows.map((row) => row.swings);
  };
  await api.database.query(
    `update counterpart.links set swings = '{"name":{"last":"in","turns":[1],"stopped":true}}'`,
  );
  expect((await api.call('POST', `/customers/${id}/sync`)).status).toBe(202);
  expect(await swings()).toEqual([{}]);
});
