import { startForTest } from './api-for-tests';
import type { TestApi } from './api-for-tests';
import { sweepBody, sweepListBody, sweepReportBody } from './sweeps';

let api: TestApi;
beforeAll(async () => {
  api = await startForTest();
});
beforeEach(async () => {
  await api.database.query('delete from counterpart.sweeps');
  await api.database.query(`delete from counterpart.connections where name <> 'stripe'`);
  await api.database.query('update counterpart.connections set recovering_since = null');
});
afterAll(() => api.close());

const sweeps = async () => (await api.call('GET', '/sweeps')).body.data;

test('a sweep is asked for and can be followed', async () => {
  const asked = await api.call('POST', '/sweeps', { connection: 'stripe' });
  expect(asked.status).toBe(202);
  expect(sweepBody.parse(asked.body)).toEqual(asked.body);
  expect(asked.body).toMatchObject({ connection: 'stripe', cause: 'operator', state: 'running', found: 0 });
  const followed = await api.call('GET', asked.headers.get('location')!);
  expect(sweepReportBody.parse(followed.body)).toEqual(followed.body);
  expect(followed.body).toEqual({ ...asked.body, report: [], findings: [] });
  const list = (await api.call('GET', '/sweeps')).body;
  expect(sweepListBody.parse(list)).toEqual({ data: [asked.body] });
});

test('where there is only one connection it need not be named; where there are two it must', async () => {
  expect((await api.call('POST', '/sweeps')).status).toBe(202);
  await api.database.query(`insert into counterpart.connections (name, system) values ('crm', 'memory')`);
  const vague = await api.call('POST', '/sweeps');
  expect([vague.status, vague.body.code, vague.body.errors]).toEqual([
    422,
    'invalid',
    [{ pointer: '/connection', code: 'needed', detail: 'There is: crm, stripe.' }],
  ]);
  expect(await sweeps()).toHaveLength(1);
});

test('a connection that is configured no more: refused with the reason, and what was open there says why it stands', async () => {
  await api.database.query(`insert into counterpart.connections (name, system) values ('old', 'memory')`);
  const refused = await api.call('POST', '/sweeps', { connection: 'old' });
  expect([refused.status, refused.body.errors]).toEqual([
    422,
    [
      {
        pointer: '/connection',
        code: 'not_configured',
        detail: 'The settings do not name this connection any more. There is: stripe.',
      },
    ],
  ]);
  expect((await api.call('POST', '/sweeps')).body).toMatchObject({ connection: 'stripe' });
  // An older backup is older for this one too: should it be configured again, it recovers first.
  const told = await api.call('POST', '/recovered');
  expect(told.status).toBe(202);
  expect(told.body.data).toMatchObject([
    { connection: 'old', state: 'waiting', waits_for: { code: 'not_configured' } },
    { connection: 'stripe', state: 'running', waits_for: null },
  ]);
});

test('while one runs a second is refused, and the refusal names it', async () => {
  const { body } = await api.call('POST', '/sweeps');
  const again = await api.call('POST', '/sweeps');
  expect([again.status, again.body.code, again.body.sweep]).toEqual([409, 'sweep_running', body.id]);
  expect(await sweeps()).toHaveLength(1);
});

test.each([
  ['an unknown connection', { connection: 'nobody' }, 422],
  ['no name', { connection: 7 }, 422],
  ['a field nobody knows', { conection: 'stripe' }, 422],
  ['no object', [], 422],
])('%s: refused, and no sweep is made', async (_, body, status) => {
  const refused = await api.call('POST', '/sweeps', body);
  expect([refused.status, refused.body.code]).toEqual([status, 'invalid']);
  expect(await sweeps()).toEqual([]);
});

test.each(['01890000-0000-7000-8000-000000000000', 'nonsense'])('no sweep has the id %s', async (id) => {
  expect((await api.call('GET', `/sweeps/${id}`)).status).toBe(404);
});

test('a sweep that waits says for what and since when', async () => {
  const { body } = await api.call('POST', '/sweeps');
  await api.database.query(
    `update counterpart.sweeps set waits_for = 'paused', waits_since = now() where id = $1`,
    [body.id],
  );
  expect((await api.call('GET', `/sweeps/${body.id}`)).body).toMatchObject({
    state: 'waiting',
    waits_for: { code: 'paused', message: expect.stringMatching(/paused by an operator/) },
  });
});

test('the report tells what was found on which side, and what became of it', async () => {
  const { body } = await api.call('POST', '/sweeps');
  const waiting = await api.customer({ name: 'Ann' });
  const parked = await api.customer({ name: 'Bo' });
  const healed = await api.customer({ name: 'Cy' });
  await api.database.query('delete from counterpart.work_queue where record_id <> $1', [waiting.id]);
  await api.database.query(
    `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, outcome, reason)
     values ('stripe', 'customer', $1, 1, 'cus_1', 'linked', 'local', 'parked', '{"code":"rejected"}'),
            ('stripe', 'customer', $2, 1, 'cus_2', 'linked', 'local', 'in_sync', null)`,
    [parked.id, healed.id],
  );
  await api.database.query(
    `insert into counterpart.sweep_findings (sweep_id, catalog, record_id, side, kind, fields)
     select $1, 'customer', unnest($2::uuid[]), 'here', 'edited', '{name}'`,
    [body.id, [healed.id, waiting.id, parked.id]],
  );
  const { body: report } = await api.call('GET', `/sweeps/${body.id}`);
  expect(sweepReportBody.parse(report)).toEqual(report);
  expect(report.report).toEqual([{ side: 'here', kind: 'edited', waiting: 1, parked: 1, healed: 1 }]);
  expect(report.findings.map(({ id, state }: { id: string; state: string }) => [id, state])).toEqual([
    [waiting.id, 'waiting'],
    [parked.id, 'parked'],
    [healed.id, 'healed'],
  ]);
  expect(JSON.stringify(report)).not.toContain('Ann');
});

test('failure 51: told that a backup was restored, it holds everything back and reads first; the status says so', async () => {
  const before = await api.call('POST', '/sweeps');
  const told = await api.call('POST', '/recovered');
  expect(told.status).toBe(202);
  expect(told.body.data).toMatchObject([{ connection: 'stripe', cause: 'recovered', state: 'running' }]);
  expect((await api.call('GET', `/sweeps/${before.body.id}`)).body.state).toBe('replaced');
  const { id } = await api.customer({ name: 'Ann' });
  const { body } = await api.call('GET', `/customers/${id}`);
  expect(body.sync).toMatchObject([{ state: 'paused', reason: { code: 'recovering' } }]);
  expect((await api.call('GET', '/status')).body.counts).toMatchObject({ in_sync: 0, pending: 0 });
  expect((await api.call('GET', '/customers?sync_state=paused')).body.data).not.toHaveLength(0);
});
