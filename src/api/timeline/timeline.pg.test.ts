import { startForTest } from '../api-for-tests';
import type { Loose, TestApi } from '../api-for-tests';

let api: TestApi;
beforeAll(async () => {
  api = await startForTest();
});
afterAll(() => api.close());

const ANN = { name: 'Ann Lee', email: 'ann@example.co.uk' };
let mails = 0;

async function edited(times: number): Promise<string> {
  const { id } = await api.customer({ name: 'v1', email: `v${(mails += 1)}@example.com` });
  for (let version = 2; version < times + 2; version += 1) {
    await api.call('PATCH', `/customers/${id}`, { name: `v${version}` });
  }
  return id;
}

/** Follows `Link` and `next_cursor` to the end. */
async function pages(path: string): Promise<Loose[][]> {
  const found: Loose[][] = [];
  for (let next: string | null = path; next !== null;) {
    const { status, body, headers } = await api.call('GET', next);
    expect(status).toBe(200);
    found.push(body.data);
    const link: string | undefined = /^<(.+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
    expect(link === undefined).toBe(body.next_cursor === null);
    expect(body.has_more).toBe(link !== undefined);
    if (link !== undefined) {
      expect(new URLSearchParams(link.split('?')[1]).get('cursor')).toBe(body.next_cursor);
    }
    next = link ?? null;
  }
  return found;
}

test('a customer tells what happened to it, newest first, each with who, what and the values before and after', async () => {
  const { id } = await api.customer(ANN);
  await api.call('PATCH', `/customers/${id}`, { email: 'ann@example.org' });
  await api.call('POST', `/customers/${id}/sync`);
  const { status, body, headers } = await api.call('GET', `/customers/${id}/timeline`);
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body).toMatchObject({ has_more: false, next_cursor: null });
  expect(body.data).toMatchObject([
    {
      kind: 'hint',
      by: 'operator',
      text: 'to be looked at, because of an operator who asks for it',
      changes: [],
    },
    {
      kind: 'change',
      by: 'product',
      text: 'edited email (version 2)',
      version: 2,
      connection: null,
      run_id: null,
      request_id: null,
      changes: [{ name: 'email', before: 'ann@example.co.uk', after: 'ann@example.org' }],
    },
    { kind: 'change', text: 'created (version 1)', version: 1 },
  ]);
  expect(body.data[0].at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('pages hang together: every entry once, in order, whatever happens meanwhile', async () => {
  const id = await edited(6);
  const [first = [], ...rest] = await pages(`/customers/${id}/timeline?limit=3`);
  expect([first, ...rest].map((page) => page.length)).toEqual([3, 3, 1]);
  const versions = [first, ...rest].flat().map(({ version }) => version);
  expect(versions).toEqual([7, 6, 5, 4, 3, 2, 1]);
  const { body } = await api.call('GET', `/customers/${id}/timeline?limit=3`);
  await api.call('PATCH', `/customers/${id}`, { name: 'later' });
  const next = await api.call('GET', `/customers/${id}/timeline?limit=3&cursor=${body.next_cursor}`);
  expect(next.body.data.map(({ version }: Loose) => version)).toEqual([4, 3, 2]);
});

test('I16: masked on request: recognisable, not readable, in every page, of fields and of the base', async () => {
  const { id } = await api.customer(ANN);
  await api.database.query(
    `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, base)
     values ('stripe', 'customer', $1, 1, 'cus_masked', 'linked', 'local', $2)`,
    [id, JSON.stringify({ email: { ours: ANN.email, theirs: ANN.email.toUpperCase() } })],
  );
  const found = (await pages(`/customers/${id}/timeline?mask=1&limit=1`)).flat();
  expect(found).toHaveLength(2);
  expect(JSON.stringify(found)).not.toMatch(/ann|lee|example/i);
  const [link, created] = found;
  expect(created.changes).toEqual([
    { name: 'name', before: null, after: 'A***' },
    { name: 'email', before: null, after: 'a***@e***.uk' },
  ]);
  const pair = { ours: 'a***@e***.uk', theirs: 'A***@E***.UK' };
  expect(link.changes).toContainEqual({ name: 'base.email', before: null, after: pair });
  expect(link.changes).toContainEqual({ name: 'remote_id', before: null, after: 'cus_masked' });
  const plain = await api.call('GET', `/customers/${id}/timeline?mask=0`);
  expect(plain.text).toContain(ANN.email);
});

test('a deleted customer is gone, but not what happened to it', async () => {
  const id = await edited(1);
  await api.call('DELETE', `/customers/${id}`);
  expect((await api.call('GET', `/customers/${id}`)).status).toBe(410);
  const { status, body } = await api.call('GET', `/customers/${id}/timeline`);
  expect(status).toBe(200);
  expect(body.data.map(({ text }: Loose) => text)).toEqual([
    'deleted (version 3)',
    'edited name (version 2)',
    'created (version 1)',
  ]);
});

test('an id that is only reserved has one too, and one of which nothing is kept any more has an empty one', async () => {
  const { rows } = await api.database.query<{ record_id: string }>(
    `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born)
     values ('stripe', 'customer', counterpart.uuidv7(), 1, 'cus_reserved', 'reserved', 'remote') returning record_id`,
  );
  const path = `/customers/${rows[0]!.record_id}/timeline`;
  const reserved = await api.call('GET', path);
  expect(reserved.body.data).toMatchObject([
    { kind: 'link', by: 'counterpart', text: 'this id is reserved for an object there (cus_reserved)' },
  ]);
  await api.database.query('delete from counterpart.timeline where record_id = $1', [rows[0]!.record_id]);
  const emptied = await api.call('GET', path);
  expect(emptied).toMatchObject({ status: 200, body: { data: [], has_more: false, next_cursor: null } });
});

test('unknown ids, wrong parameters and other methods are refused as everywhere', async () => {
  const id = await edited(0);
  const unknown = '01890000-0000-7000-8000-00000000dead';
  expect(await api.call('GET', `/customers/${unknown}/timeline`)).toMatchObject({ status: 404 });
  expect(await api.call('GET', '/customers/nobody/timeline')).toMatchObject({ status: 404 });
  expect(await api.call('POST', `/customers/${id}/timeline`)).toMatchObject({ status: 405 });
  for (const query of ['limit=0', 'limit=101', 'limit=x', 'mask=yes', 'newest=1', 'mask=1&mask=1']) {
    const { status, body } = await api.call('GET', `/customers/${id}/timeline?${query}`);
    expect([query, status, body.code]).toEqual([query, 400, 'query_invalid']);
  }
  for (const cursor of ['', 'x', '-1', '1.5', '9'.repeat(16)]) {
    const { status, body } = await api.call('GET', `/customers/${id}/timeline?cursor=${cursor}`);
    expect([cursor, status, body.code]).toEqual([cursor, 400, 'cursor_invalid']);
  }
});

test('I16: reading a timeline logs no value', async () => {
  const { id } = await api.customer({ name: 'Canary Bird', email: 'canary@example.com' });
  await api.call('GET', `/customers/${id}/timeline`);
  expect(api.logged.join('\n')).not.toMatch(/canary/i);
});
