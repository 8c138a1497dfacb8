import { startForTest } from '../api/api-for-tests';
import type { TestApi } from '../api/api-for-tests';
import { runCli } from './cli-for-tests';

let api: TestApi;
beforeAll(async () => {
  api = await startForTest();
});
afterAll(() => api.close());

const run = (...args: string[]) => runCli(args, { COUNTERPART_URL: api.url });

async function edited(times: number): Promise<string> {
  const { id } = await api.customer({ name: 'Ann', email: null });
  for (let edits = 1; edits <= times; edits += 1) {
    await api.database.query('update counterpart.customers set name = $2 where id = $1', [
      id,
      `Ann ${edits}`,
    ]);
  }
  return id;
}

test('timeline: oldest first, one line each: when, who, what, from and to', async () => {
  const { id } = await api.customer({ name: 'Ann', email: 'ann@example.com' });
  await api.database.query(`update counterpart.customers set name = E'Bad\\x1b[31m' where id = $1`, [id]);
  const { code, lines } = await run('timeline', id);
  expect(code).toBe(0);
  expect(lines).toEqual([
    expect.stringMatching(/^Time \(UTC\) +By +What$/),
    expect.stringMatching(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} {2}product {2}created \(version 1\): name null → "Ann", email null → "ann@example\.com"$/,
    ),
    expect.stringMatching(/product {2}edited name \(version 2\): name "Ann" → "Bad\\u001b\[31m"$/),
  ]);
  const masked = await run('timeline', id, '--mask');
  expect(masked.out).toContain('name null → "A***", email null → "a***@e***.com"');
  expect(masked.out).not.toContain('ann@example.com');
});

test('timeline: what a look did names its run, and an answer its request', async () => {
  const id = await edited(0);
  await api.database.query(
    `insert into counterpart.timeline (catalog, record_id, kind, connection, run_id, request_id, detail) values
       ('customer', $1, 'look', null, 'run_1', null, '{"hint": "local", "paused": ["crm"]}'),
       ('customer', $1, 'call', 'stripe', 'run_1', null, '{"does": "update", "sends": 2}'),
       ('customer', $1, 'answer', 'stripe', 'run_1', 'req_1', '{"does": "update", "ending": "refused"}')`,
    [id],
  );
  const { lines } = await run('timeline', id);
  expect(lines.slice(2).map((line) => line.slice(25))).toEqual([
    'counterpart  a look begins, because of a change here; left out, being paused: crm [run run_1]',
    'counterpart  stripe: update is sent again (try 2)',
    'stripe       update was refused [req_1]',
  ]);
});

test('timeline: all of it, over the pages of the API; --json gives the entries as they are', async () => {
  const id = await edited(210);
  const { lines } = await run('timeline', id);
  expect(lines).toHaveLength(212);
  expect(lines.at(-1)).toContain('"Ann 210"');
  const { data, has_more: more } = (await run('timeline', id, '--json')).json();
  expect(data).toHaveLength(211);
  expect(data[0]).toMatchObject({ version: 211, detail: { does: 'edit' } });
  expect(more).toBe(false);
});

test('show ends with the last twenty, and says where all are', async () => {
  const id = await edited(30);
  const { lines } = await run('show', id);
  const from = lines.findIndex((line) => line.startsWith('What happened'));
  expect(lines[from]).toBe(`What happened (the last 20; all: counterpart timeline ${id}):`);
  expect(lines.slice(from + 2)).toHaveLength(20);
  expect(lines.at(-1)).toContain('(version 31)');
  expect((await run('show', id, '--json')).json().timeline.data).toHaveLength(20);
});

test('a deleted customer has its timeline, and `show` its end; nobody else has', async () => {
  const id = await edited(1);
  await api.call('DELETE', `/customers/${id}`);
  for (const command of ['timeline', 'show']) {
    expect((await run(command, id)).lines.at(-1)).toMatch(/product +deleted \(version 3\)$/);
  }
  expect((await run('show', id)).out).toContain('What happened:\n');
  expect(await run('timeline', '01890000-0000-7000-8000-00000000dead')).toMatchObject({ code: 2, out: '' });
});
