import { removeExpired } from '../store/housekeeping';
import { hold, startForTest, untilWaiting } from './api-for-tests';
import type { Reply, TestApi } from './api-for-tests';

let api: TestApi;
beforeAll(async () => {
  api = await startForTest((deps) => ({ ...deps, apiKeys: ['key-one-of-sixteen', 'key-two-of-sixteen'] }));
});
afterAll(() => api.close());

let counter = 0;
function newKey(): string {
  counter += 1;
  return `key-${counter}`;
}

function create(body: object, key: string, apiKey = 'key-one-of-sixteen', query = ''): Promise<Reply> {
  const headers = { 'idempotency-key': key, authorization: `Bearer ${apiKey}` };
  return api.call('POST', `/customers${query}`, body, { headers });
}

async function count(): Promise<number> {
  const { rows } = await api.database.query<{ n: number }>('select count(*) as n from counterpart.customers');
  return rows[0]!.n;
}

test('the same request under the same key is answered alike and done once (failure 39)', async () => {
  const key = newKey();
  const first = await create({ name: 'Ann', email: 'ann@example.com' }, key);
  const before = await count();
  // a later change must not show in the replay
  await api.database.query(`update counterpart.customers set name = 'Bea' where id = $1`, [first.body.id]);
  const again = await create({ email: ' ann@example.com', name: 'Ann' }, `"${key}"`);
  expect(await count()).toBe(before);
  expect(again.status).toBe(201);
  expect(again.text).toBe(first.text);
  for (const header of ['location', 'etag', 'content-type']) {
    expect([header, again.headers.get(header)]).toEqual([header, first.headers.get(header)]);
  }
  expect([first, again].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, 'true']);
  expect(again.headers.get('request-id')).not.toBe(first.headers.get('request-id'));
});

test('another body, another query or another path under a used key is refused (failure 39)', async () => {
  const key = newKey();
  const { body } = await create({ name: 'Cid' }, key);
  const headers = { 'idempotency-key': key, authorization: 'Bearer key-one-of-sixteen' };
  for (const reply of [
    await create({ name: 'Dan' }, key),
    await create({ name: 'Cid' }, key, undefined, '?on_duplicate=create'),
    await api.call('POST', `/customers/${body.id}/restore`, undefined, { headers }),
  ]) {
    expect([reply.status, reply.body.code]).toEqual([422, 'idempotency_key_reused']);
  }
});

test('a key belongs to the API key that sent it', async () => {
  const key = newKey();
  const one = await create({ name: 'Eva' }, key);
  const two = await create({ name: 'Fay' }, key, 'key-two-of-sixteen');
  expect(two.status).toBe(201);
  expect(two.body.id).not.toBe(one.body.id);
});

test('ten at once under one key make one customer; those that came too early are told to come again (failure 39)', async () => {
  const key = newKey();
  const before = await count();
  const replies = await Promise.all(Array.from({ length: 10 }, () => create({ name: 'Gil' }, key)));
  expect(await count()).toBe(before + 1);
  for (const reply of replies) {
    if (reply.status === 201) continue;
    expect([reply.status, reply.body.code]).toEqual([409, 'idempotency_key_in_use']);
    expect(reply.headers.get('retry-after')).toBe('1');
  }
  expect(new Set(replies.filter(({ status }) => status === 201).map(({ body }) => body.id)).size).toBe(1);
});

test('a request that is still running holds its key', async () => {
  const key = newKey();
  const held = await hold(
    api.database,
    `select pg_advisory_xact_lock(hashtextextended('customer:ida@example.com', 0))`,
    [],
  );
  const first = create({ email: 'ida@example.com' }, key);
  await untilWaiting(api.database, 1);
  expect((await create({ email: 'ida@example.com' }, key)).body.code).toBe('idempotency_key_in_use');
  await held.letGo();
  expect((await first).status).toBe(201);
});

test('what was refused may be mended and sent again under its key', async () => {
  const key = newKey();
  expect((await create({ email: 'not one' }, key)).status).toBe(422);
  expect((await create({ email: 'ann@example.com' }, key)).body.code).toBe('customer_exists');
  expect((await create({ email: 'joy@example.com' }, key)).status).toBe(201);
});

test('a restore is replayed too, without a body where there was none', async () => {
  const { body } = await create({ name: 'Kit' }, newKey());
  const headers = { 'idempotency-key': newKey(), authorization: 'Bearer key-one-of-sixteen' };
  await api.call('DELETE', `/customers/${body.id}`, undefined, { headers });
  const first = await api.call('POST', `/customers/${body.id}/restore`, undefined, { headers });
  await api.call('DELETE', `/customers/${body.id}`, undefined, { headers });
  const again = await api.call('POST', `/customers/${body.id}/restore`, undefined, { headers });
  expect([again.text, again.headers.get('idempotent-replayed')]).toEqual([first.text, 'true']);
  expect((await api.call('GET', `/customers/${body.id}`, undefined, { headers })).status).toBe(410);
});

test('after 24 hours a key is new again, and old ones are taken away', async () => {
  const key = newKey();
  const first = await create({ name: 'Lou' }, key);
  await api.database.query(
    `update counterpart.idempotency_keys set created_at = now() - interval '25 hours'`,
  );
  const later = await create({ name: 'Max' }, key);
  expect(later.status).toBe(201);
  expect(later.body.id).not.toBe(first.body.id);
  expect((await create({ name: 'Max' }, key)).body.id).toBe(later.body.id);
  await removeExpired(api.database);
  const { rows } = await api.database.query<{ key: string }>('select key from counterpart.idempotency_keys');
  expect(rows).toEqual([{ key }]);
});
