import { createServer } from 'node:http';
import { listen, startForTest } from '../api/api-for-tests';
import type { TestApi } from '../api/api-for-tests';
import { runCli } from './cli-for-tests';

let api: TestApi;
// The server's clock jumps at every reading, so that no status is answered from an earlier count.
let serverMs = 0;
beforeAll(async () => {
  const clock = { now: () => (serverMs += 60_000) };
  api = await startForTest((deps) => ({ ...deps, clock, apiKeys: ['key-of-the-operator'] }));
});
beforeEach(async () => {
  for (const table of ['customers', 'tombstones', 'links', 'work_queue']) {
    await api.database.query(`delete from counterpart.${table}`);
  }
});
afterAll(() => api.close());

const run = (args: string[], env: Record<string, string> = {}) =>
  runCli(args, { COUNTERPART_URL: api.url, COUNTERPART_API_KEY: 'key-of-the-operator', ...env });

async function customer(outcome: string, reason: object | null = null): Promise<string> {
  const { rows } = await api.database.query<{ id: string }>(
    `insert into counterpart.customers (name, email) values (E'Ann\\x1b[31m', 'ann@example.com') returning id`,
  );
  const { id } = rows[0]!;
  await api.database.query('delete from counterpart.work_queue');
  await link(id, outcome, reason);
  return id;
}

async function link(id: string, outcome: string, reason: object | null): Promise<void> {
  await api.database.query(
    `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, outcome, agreed_version, reason, reason_since, last_synced_at)
     values ('stripe', 'customer', $1::uuid, 1, 'cus_' || $1::text, 'linked', 'local', $2, 1, $3, now() - interval '3 min', now())`,
    [id, outcome, reason === null ? null : JSON.stringify(reason)],
  );
}

const REJECTED = { code: 'rejected', field: 'email', detail: 'email_invalid (req_1)' };

test('status: all in sync ends with 0 and says so', async () => {
  await customer('in_sync');
  const { code, out } = await run(['status']);
  expect(code).toBe(0);
  expect(out).toMatch(/^Connection +State +Mode +In sync .* Last poll\n/);
  expect(out).toMatch(/^stripe +active +simulator +1 +0 +0 +0 +0 +0 +-$/m);
  expect(out).toMatch(/Everything is in sync\.\n$/);
});

test('status: a parked record ends with 1, with its id, why, and what to do', async () => {
  const id = await customer('parked', REJECTED);
  const { code, out } = await run(['status']);
  expect(code).toBe(1);
  expect(out).toContain(`${id}  stripe, for 3 min`);
  expect(out).toContain('rejected: The system refused the data. (field email; email_invalid (req_1))');
  expect(out).toContain('To do: Edit the named field');
});

test('show: where a customer stands; what could steer the terminal is not passed on', async () => {
  const fine = await customer('in_sync');
  const { code, out } = await run(['show', fine]);
  expect(code).toBe(0);
  expect(out).toContain(`${fine}  version 1`);
  expect(out).toContain('Name    Ann·[31m');
  expect(out).toMatch(/^stripe +in_sync +cus_\S+ +1 +\d/m);
});

test('show: parked, edited since, deleted and unpulled customers', async () => {
  const parked = await customer('parked', REJECTED);
  expect(await run(['show', parked])).toMatchObject({ code: 1, out: expect.stringContaining('To do: Edit') });
  await api.database.query('delete from counterpart.customers where id = $1', [parked]);
  expect(await run(['show', parked])).toMatchObject({ code: 1, out: expect.stringContaining('deleted 0') });
  const unpulled = '01890000-0000-7000-8000-000000000001';
  await link(unpulled, 'parked', { ...REJECTED, code: 'claims_record' });
  expect(await run(['show', unpulled])).toMatchObject({
    code: 1,
    out: expect.stringContaining('stands only at stripe'),
  });
  expect(await run(['show', '01890000-0000-7000-8000-000000000002'])).toMatchObject({ code: 2, out: '' });
});

async function lose(id: string, lost: { ours: string; theirs: string; winner: string }): Promise<string> {
  const { rows } = await api.database.query<{ id: string }>(
    `insert into counterpart.conflicts (link_id, connection, catalog, record_id, field, ours, theirs, winner, cause)
     select l.id, 'stripe', 'customer', $1::uuid, 'name', to_jsonb($2::text), to_jsonb($3::text), $4, 'both_edited'
     from counterpart.links l where record_id = $1 returning id`,
    [id, lost.ours, lost.theirs, lost.winner],
  );
  return rows[0]!.id;
}

test('show: a value that lost stands with both values and the very command that takes it', async () => {
  const id = await customer('in_sync');
  const conflict = await lose(id, { ours: 'Ann', theirs: 'An\x1b[31mna', winner: 'local' });
  const { code, out } = await run(['show', id]);
  expect(code).toBe(0);
  expect(out).toMatch(/name at stripe, \S+ s ago \(both_edited\): ours "Ann" stayed, theirs "An.*na" lost/);
  expect(out).not.toContain('\x1b');
  const [, command] = /: counterpart (apply .*)$/m.exec(out) ?? [];
  expect(command).toBe(`apply ${id} ${conflict} --take remote`);
  const taken = await run(command!.split(' '));
  expect(taken).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^Taken: name "An.*na", as it was at stripe/),
  });
  const { rows } = await api.database.query<{ name: string }>('select name from counterpart.customers');
  expect(rows[0]!.name).toBe('An\x1b[31mna');
  expect((await run(['show', id])).out).not.toContain('Values that lost');
  expect(await run(command!.split(' '))).toMatchObject({
    code: 2,
    err: expect.stringMatching(/applied already/),
  });
});

test('show: a question offers both answers, and npx is told as npx', async () => {
  const id = await customer('parked', { code: 'conflict', field: 'name', detail: null });
  const conflict = await lose(id, { ours: 'Ann', theirs: 'Anna', winner: 'ask' });
  const { out } = await run(['show', id], { npm_command: 'exec' });
  expect(out).toContain('Nobody has decided yet; to answer:\n  name at stripe');
  expect(out).not.toContain('Values that lost');
  for (const [value, side] of [
    ['Ann', 'local'],
    ['Anna', 'remote'],
  ]) {
    expect(out).toContain(
      `to take "${value}": npx --no-install counterpart apply ${id} ${conflict} --take ${side}`,
    );
  }
  expect((await run(['apply', id, conflict, '--take', 'both'])).code).toBe(2);
  expect(await run(['apply', id, conflict])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^Nobody decided yet, .*--take local .*--take remote/),
  });
  expect(await run(['apply', id, conflict, '--take', 'local'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('Taken: name "Ann", as it was here.'),
  });
});

test('show: of a deleted customer nothing is to do but, maybe, to restore it', async () => {
  const id = await customer('in_sync');
  await lose(id, { ours: 'Ann', theirs: 'Anna', winner: 'local' });
  await api.database.query('delete from counterpart.customers where id = $1', [id]);
  const { out } = await run(['show', id]);
  expect(out).toContain(
    `To bring it back: counterpart restore ${id}\nA value that lost can be taken once it is back.`,
  );
  expect(out).not.toContain('apply');
  expect(await run(['restore', id])).toMatchObject({ code: 0, out: expect.stringContaining('stands here') });
  expect((await run(['show', id])).out).toContain('--take remote');
});

test('restore: who was not deleted is told as such', async () => {
  const id = await customer('in_sync');
  expect(await run(['restore', id])).toMatchObject({
    code: 0,
    out: `${id} was not deleted, nothing done.\n`,
  });
});

test('help of a command ends well, also where the process counts as failed until it is done; --version tells the version', async () => {
  const before = process.exitCode;
  process.exitCode = 2;
  const helped = await run(['help', 'show']);
  process.exitCode = before;
  expect(helped).toMatchObject({ code: 0, out: expect.stringContaining('counterpart show [options] <id>') });
  expect(await run(['--version'])).toMatchObject({ code: 0, out: '1.2.3\n' });
  expect((await run([])).code).toBe(2);
});

test('restore: an e-mail that somebody else has by now is named, with the way to let both have it', async () => {
  const id = await customer('in_sync');
  await api.database.query('delete from counterpart.customers where id = $1', [id]);
  const other = await customer('in_sync');
  const { code, err } = await run(['restore', id]);
  expect([code, err]).toEqual([
    2,
    `Another customer has this e-mail (${other}). To let both have it, add --allow-duplicate.\n`,
  ]);
  expect((await run(['restore', id, '--allow-duplicate'])).code).toBe(0);
});

test('show: a possible duplicate says so', async () => {
  const id = await customer('in_sync');
  expect((await run(['show', id])).out).not.toContain('duplicate');
  await api.database.query('update counterpart.links set possible_duplicate = true');
  const { code, out } = await run(['show', id]);
  expect(code).toBe(0);
  expect(out).toMatch(/^stripe: possible duplicate: .*GET \/customers\?email=ann%40example\.com$/m);
});

test('what is no id is told as such', async () => {
  for (const command of ['show', 'retry', 'restore']) {
    expect(await run([command, 'xyz'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^This is no id: /),
    });
  }
});

test('what a command cannot do is told in commands, not in routes of the API', async () => {
  const id = await customer('in_sync');
  const conflict = await lose(id, { ours: 'Ann', theirs: 'Anna', winner: 'local' });
  const nobody = '01890000-0000-7000-8000-000000000009';
  const said = [
    await run(['show', nobody]),
    await run(['restore', nobody]),
    await run(['apply', id, nobody]),
    await run(['sweeps', '999']),
  ];
  await api.database.query('delete from counterpart.customers where id = $1', [id]);
  await api.database.query(`update counterpart.conflicts set cause = 'edit_and_delete', winner = 'deletion'`);
  said.push(await run(['apply', id, conflict]));
  for (const { code, err } of said) {
    expect(code).toBe(2);
    expect(err).not.toMatch(/GET |POST |PATCH |\/customers/);
  }
  expect(said[2]!.err).toContain('`show <id>` lists them');
  expect(said[4]!.err).toContain(`Restore the customer first, with \`restore ${id}\``);
});

test('status: a question that waits for an answer names the command that shows both values', async () => {
  const id = await customer('parked', { code: 'conflict', field: 'name', detail: null });
  expect((await run(['status'])).out).toContain(
    `    Both values, and the command that takes one: counterpart show ${id}\n`,
  );
  const [refused] = [await customer('parked', REJECTED)];
  expect((await run(['status'])).out).not.toContain(`show ${refused}`);
});

test('retry queues the customer', async () => {
  const id = await customer('parked', REJECTED);
  expect(await run(['retry', id])).toMatchObject({ code: 0, out: expect.stringContaining('looked at now') });
  expect((await api.database.query('select from counterpart.work_queue')).rowCount).toBe(1);
});

test('pause and resume name the connection; an unknown one ends with 2', async () => {
  expect(await run(['pause', 'stripe'])).toMatchObject({ code: 0, out: 'stripe is paused.\n' });
  expect(await run(['resume', 'stripe'])).toMatchObject({ code: 0, out: 'stripe is resumed.\n' });
  const { code, err } = await run(['pause', 'nobody']);
  expect([code, err]).toEqual([2, 'There is no connection of this name. `status` lists them.\n']);
});

test("--json prints the API's answers, refusals too", async () => {
  const id = await customer('in_sync');
  expect((await run(['show', id, '--json'])).json()).toMatchObject({ customer: { id }, conflicts: [] });
  expect((await run(['status', '--json'])).json()).toHaveProperty('queue_depth', 0);
  expect((await run(['pause', 'nobody', '--json'])).json()).toMatchObject({ code: 'not_found' });
});

test('a wrong key, a silent server, a stranger and a wrong command line end with 2 and say what to do', async () => {
  expect((await run(['status'], { COUNTERPART_API_KEY: '' })).err).toMatch(/set COUNTERPART_API_KEY/);
  const silent = await run(['status', '--json'], { COUNTERPART_URL: 'http://127.0.0.1:1' });
  expect([silent.code, silent.err]).toEqual([2, expect.stringMatching(/Nobody answers .*npm start/)]);
  expect(silent.json()).toHaveProperty('error');
  expect((await run(['status'], { COUNTERPART_URL: 'localhost:3000' })).err).toMatch(/must be an address/);
  const stranger = await listen(
    createServer((_request, response) => void response.end('<html>')).listeners('request')[0] as never,
  );
  expect((await run(['status'], { COUNTERPART_URL: stranger.url })).err).toMatch(/is not Counterpart/);
  await stranger.close();
  expect((await run(['shwo'])).code).toBe(2);
  expect((await run(['show'])).code).toBe(2);
  expect((await run(['--help'])).code).toBe(0);
});
