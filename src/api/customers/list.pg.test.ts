import { startForTest } from '../api-for-tests';
import type { Loose, TestApi } from '../api-for-tests';
import { listBody } from './list';

let api: TestApi;
beforeEach(async () => {
  api = await startForTest();
});
afterEach(() => api.close());

/** Follows `next_cursor` to the end, at most `pages` pages. */
async function walk(query: string, pages = 50): Promise<string[]> {
  const names: string[] = [];
  let cursor: string | null = null;
  for (let i = 0; i < pages; i += 1) {
    const page: Loose = (
      await api.call('GET', `/customers?${query}${cursor === null ? '' : `&cursor=${cursor}`}`)
    ).body;
    names.push(...page.data.map((customer: Loose) => customer.name));
    cursor = page.next_cursor;
    expect(page.has_more).toBe(cursor !== null);
    if (cursor === null) return names;
  }
  throw new Error('The list has no end');
}

async function insertAtOnce(count: number): Promise<void> {
  // One statement, so that all have the same created_at: then only the id orders them.
  await api.database.query(
    `insert into counterpart.customers (name, email) select 'n' || i, 'e' || i || '@example.com' from generate_series(1, $1) as i`,
    [count],
  );
}

test('pages show every customer once, also where many were created at the same instant', async () => {
  await insertAtOnce(23);
  await api.customer({ name: 'newest' });
  const all = await walk('limit=100');
  expect(all).toHaveLength(24);
  expect(all[0]).toBe('newest');
  for (const limit of [1, 7, 23, 24]) expect(await walk(`limit=${limit}`)).toEqual(all);
});

test('a customer created while somebody pages is not shown twice and hides nobody', async () => {
  await insertAtOnce(4);
  const first = (await api.call('GET', '/customers?limit=2')).body;
  await api.customer({ name: 'late' });
  const second = (await api.call('GET', `/customers?limit=2&cursor=${first.next_cursor}`)).body;
  const ids = [...first.data, ...second.data].map((customer: Loose) => customer.id);
  expect(new Set(ids).size).toBe(4);
  expect(second.has_more).toBe(false);
});

test('the page has the announced form, 25 at most by default, and links to the next', async () => {
  await insertAtOnce(26);
  const page = await api.call('GET', '/customers');
  expect(listBody.parse(page.body)).toEqual(page.body);
  expect(page.body.data).toHaveLength(25);
  const [, link] = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '') ?? [];
  const rest = await api.call('GET', link!);
  expect(rest.body.data).toHaveLength(1);
  expect(rest.headers.get('link')).toBeNull();
});

test('an e-mail is found in any spelling, also with a plus sign that nobody encoded, and the link keeps the filter', async () => {
  await api.customer({ name: 'tagged', email: 'Ann+tag@Example.com' });
  await api.call('POST', '/customers?on_duplicate=create', { name: 'again', email: 'ann+tag@example.com' });
  await api.customer({ name: 'other', email: 'ann@example.com' });
  for (const query of [
    'email=ann%2Btag@example.com',
    'email=ANN+TAG@example.com',
    'email=%20ann%2btag@example.com%20',
  ]) {
    expect(await walk(query)).toEqual(['again', 'tagged']);
  }
  const first = await api.call('GET', '/customers?limit=1&email=ann%2Btag@example.com');
  const [, link] = /<([^>]+)>/.exec(first.headers.get('link') ?? '') ?? [];
  expect((await api.call('GET', link!)).body.data.map((customer: Loose) => customer.name)).toEqual([
    'tagged',
  ]);
});

test('deleted customers are shown in their place when asked for, and by the state deleted', async () => {
  const ids = [];
  for (const name of ['a', 'b', 'c'])
    ids.push((await api.customer({ name, email: `${name}@example.com` })).id);
  await api.call('DELETE', `/customers/${ids[1]}`);
  expect(await walk('limit=1')).toEqual(['c', 'a']);
  expect(await walk('limit=1&include_deleted=true')).toEqual(['c', 'b', 'a']);
  expect(await walk('email=b@example.com&include_deleted=true')).toEqual(['b']);
  expect(await walk('sync_state=deleted')).toEqual([]);
  await api.database.query('delete from counterpart.work_queue');
  expect(await walk('sync_state=deleted')).toEqual(['b']);
  const [shown] = (await api.call('GET', '/customers?sync_state=deleted')).body.data;
  expect(shown).toMatchObject({ id: ids[1], version: 2, email: 'b@example.com' });
  expect(shown.updated_at).toBe(shown.deleted_at);
});

test('the state filter finds customers by where they stand', async () => {
  for (const name of ['pending', 'parked', 'in_sync']) {
    const { id } = await api.customer({ name });
    if (name === 'pending') continue;
    await api.database.query('delete from counterpart.work_queue where record_id = $1', [id]);
    await api.database.query(
      `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, outcome)
       values ('stripe', 'customer', $1, 1, 'cus_' || $2, 'linked', 'local', $2)`,
      [id, name],
    );
  }
  for (const state of ['pending', 'parked', 'in_sync'])
    expect(await walk(`sync_state=${state}`)).toEqual([state]);
  expect(await walk('sync_state=paused')).toEqual([]);
  await api.database.query(`update counterpart.connections set paused_at = now(), pause_code = 'paused'`);
  expect(await walk('sync_state=paused')).toEqual(['in_sync', 'parked', 'pending']);
  expect(await walk('sync_state=parked')).toEqual([]);
});
