import { startForTest } from '../api-for-tests';
import type { TestApi } from '../api-for-tests';

let api: TestApi;
beforeAll(async () => {
  api = await startForTest();
});
afterAll(() => api.close());

async function reserved(code: string): Promise<string> {
  const { rows } = await api.database.query<{ record_id: string }>(
    `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, outcome, reason, reason_since)
     values ('stripe', 'customer', counterpart.uuidv7(), 1, 'cus_' || gen_random_uuid(), 'reserved', 'remote', 'parked',
       jsonb_build_object('code', $1::text, 'field', null, 'detail', null), now()) returning record_id`,
    [code],
  );
  return rows[0]!.record_id;
}

const link = async (id: string) =>
  (
    await api.database.query(
      'select state, outcome, reason, remote_id is not null as remembered, fence > 0 as fenced from counterpart.links where record_id = $1',
      [id],
    )
  ).rows[0];

test('an object that is not found and was never pulled is listed, and given up by DELETE', async () => {
  const id = await reserved('remote_missing');
  const parked = async () => (await api.call('GET', '/status?parked_limit=1000')).body.parked;
  expect(await parked()).toMatchObject([{ id, has_row: false, reason: { code: 'remote_missing' } }]);
  expect((await api.call('DELETE', `/customers/${id}`)).status).toBe(204);
  expect(await link(id)).toEqual({
    state: 'void',
    outcome: 'deleted',
    reason: null,
    remembered: true,
    fenced: true,
  });
  expect(await parked()).toEqual([]);
  expect((await api.call('DELETE', `/customers/${id}`)).status).toBe(204);
});

test('what was never pulled for another reason may stand there, and is not given up', async () => {
  const id = await reserved('claims_record');
  expect((await api.call('DELETE', `/customers/${id}`)).status).toBe(404);
  expect(await link(id)).toMatchObject({ state: 'reserved', outcome: 'parked' });
});

test('as many parked ones are listed as are asked for, within bounds', async () => {
  await reserved('rejected');
  await reserved('rejected');
  expect((await api.call('GET', '/status?parked_limit=1')).body.parked).toHaveLength(1);
  for (const wrong of ['0', '1001', 'all'])
    expect((await api.call('GET', `/status?parked_limit=${wrong}`)).status).toBe(400);
});
