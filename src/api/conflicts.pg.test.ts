import { hold, startForTest, untilWaiting } from './api-for-tests';
import type { Loose, Reply, TestApi } from './api-for-tests';
import { appliedBody, conflictListBody } from './conflicts';

let api: TestApi;
beforeAll(async () => {
  api = await startForTest();
});
afterAll(() => api.close());

interface Kept {
  readonly ours: string | null;
  readonly theirs: string | null;
  readonly winner: string;
  readonly cause?: string;
  readonly field?: string;
}

let counter = 0;

/** A linked customer, settled, with one value that lost. */
async function withLost(kept: Kept): Promise<{ id: string; conflict: string; link: number }> {
  counter += 1;
  const field = kept.field ?? 'name';
  const stands = kept.winner === 'remote' ? kept.theirs : kept.ours;
  const { id } = await api.customer({
    name: `n${counter}`,
    email: `c${counter}@example.com`,
    [field]: stands,
  });
  await api.database.query('delete from counterpart.work_queue');
  const link = await api.database.query<{ id: number }>(
    `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, outcome, base)
     values ('stripe', 'customer', $1, 1, $2, 'linked', 'local', 'parked', '{"name":{"ours":"old","theirs":"old"}}')
     returning id`,
    [id, `cus_${counter}`],
  );
  const lost = await api.database.query<{ id: string }>(
    `insert into counterpart.conflicts (link_id, connection, catalog, record_id, field, ours, theirs, winner, cause)
     values ($1, 'stripe', 'customer', $2, $3, to_jsonb($4::text), to_jsonb($5::text), $6, $7) returning id`,
    [link.rows[0]!.id, id, field, kept.ours, kept.theirs, kept.winner, kept.cause ?? 'both_edited'],
  );
  return { id, conflict: lost.rows[0]!.id, link: link.rows[0]!.id };
}

function apply(lost: { id: string; conflict: string }, body?: object, query = ''): Promise<Reply> {
  return api.call('POST', `/customers/${lost.id}/conflicts/${lost.conflict}/apply${query}`, body);
}

async function queued(id: string): Promise<number | null> {
  return (await api.database.query('select from counterpart.work_queue where record_id = $1', [id])).rowCount;
}

test('the values that lost are listed newest first (I3)', async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'local' });
  await api.database.query(
    `insert into counterpart.conflicts (link_id, connection, catalog, record_id, field, ours, theirs, winner, cause, created_at)
     values ($1, 'stripe', 'customer', $2, 'email', 'null', '"a@b.co"', 'remote', 'altered', now() + interval '1 s')`,
    [lost.link, lost.id],
  );
  const { body, status } = await api.call('GET', `/customers/${lost.id}/conflicts`);
  expect(status).toBe(200);
  expect(conflictListBody.parse(body)).toEqual(body);
  expect(
    body.data.map((conflict: Loose) => [conflict.field, conflict.ours, conflict.theirs, conflict.winner]),
  ).toEqual([
    ['email', null, 'a@b.co', 'remote'],
    ['name', 'Ann', 'Anna', 'local'],
  ]);
});

test('the value of the other side that our policy dropped is taken after all, as an edit of ours', async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'local' });
  const applied = await apply(lost);
  expect(applied.status).toBe(200);
  expect(appliedBody.parse(applied.body)).toEqual(applied.body);
  expect(applied.body.customer).toMatchObject({ name: 'Anna', version: 2, sync: [{ state: 'pending' }] });
  expect(applied.body.conflict).toMatchObject({ resolution: 'remote', resolved_at: expect.any(String) });
  expect(await queued(lost.id)).toBe(1);
});

test('our value that the policy dropped comes back', async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'remote' });
  expect((await apply(lost)).body).toMatchObject({
    conflict: { resolution: 'local' },
    customer: { name: 'Ann' },
  });
});

test('of a decided conflict only the loser can be taken', async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'local' });
  const refused = await apply(lost, { take: 'local' });
  expect([refused.status, refused.body.errors[0].code]).toEqual([422, 'not_the_loser']);
  expect((await apply(lost, { take: 'both' })).status).toBe(422);
  expect((await apply(lost, { take: 'remote' })).status).toBe(200);
});

test('applied twice is refused, also at the same time', async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'local' });
  const replies = await Promise.all([apply(lost), apply(lost), apply(lost)]);
  expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409]);
  expect((await apply(lost)).body.code).toBe('conflict_applied');
});

test('a question is answered with their value: it is written here', async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'ask' });
  expect((await apply(lost, { take: 'remote' })).body).toMatchObject({
    conflict: { resolution: 'remote' },
    customer: { name: 'Anna', version: 2 },
  });
});

test('a question is not answered by leaving the answer out: 422, and it stays open (I3)', async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'ask' });
  for (const body of [undefined, {}]) {
    const refused = await apply(lost, body);
    expect([refused.status, refused.body.errors[0]]).toEqual([
      422,
      expect.objectContaining({ pointer: '/take', code: 'take_missing' }),
    ]);
  }
  const { body } = await api.call('GET', `/customers/${lost.id}`);
  expect(body).toMatchObject({ name: 'Ann', version: 1 });
  expect(await queued(lost.id)).toBe(0);
  expect((await apply(lost, { take: 'local' })).body.conflict.resolution).toBe('local');
});

test('a question is answered with our value: theirs counts as seen, nothing changes here, a look will push', async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'ask' });
  const applied = await apply(lost, { take: 'local' });
  expect(applied.body).toMatchObject({
    conflict: { resolution: 'local' },
    customer: { name: 'Ann', version: 1, sync: [{ state: 'pending', reason: null }] },
  });
  const { rows } = await api.database.query<{ base: unknown }>(
    'select base from counterpart.links where id = $1',
    [lost.link],
  );
  expect(rows[0]!.base).toEqual({ name: { ours: 'Anna', theirs: 'Anna' } });
  expect(await queued(lost.id)).toBe(1);
});

test('a question that answered itself is closed', async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'ask' });
  await api.database.query('update counterpart.conflicts set resolved_at = now() where id = $1', [
    lost.conflict,
  ]);
  expect((await apply(lost)).body.code).toBe('conflict_closed');
});

test('an e-mail that somebody else has by now is not taken, unless both may have it', async () => {
  const owner = await api.customer({ email: 'wanted@example.com' });
  const lost = await withLost({
    field: 'email',
    ours: 'mine@example.com',
    theirs: 'Wanted@example.com',
    winner: 'local',
  });
  const refused = await apply(lost);
  expect([refused.status, refused.body.matches[0].id]).toEqual([409, owner.id]);
  expect((await apply(lost, undefined, '?on_duplicate=create')).body.customer.email).toBe(
    'Wanted@example.com',
  );
});

test('what was lost to a deletion is taken once the customer is back, and is named: nobody guesses whose edit it was (I3)', async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'deletion', cause: 'edit_and_delete' });
  await api.call('DELETE', `/customers/${lost.id}`);
  const refused = await apply(lost);
  expect([refused.status, refused.body.code]).toEqual([409, 'restore_first']);
  expect((await api.call('GET', `/customers/${lost.id}/conflicts`)).body.data).toHaveLength(1);
  await api.call('POST', `/customers/${lost.id}/restore`);
  const unnamed = await apply(lost);
  expect([unnamed.status, unnamed.body.errors[0]]).toEqual([
    422,
    expect.objectContaining({ pointer: '/take', code: 'take_missing' }),
  ]);
  expect((await api.call('GET', `/customers/${lost.id}`)).body.name).toBe('Ann');
  expect((await apply(lost, { take: 'remote' })).body).toMatchObject({
    conflict: { resolution: 'remote' },
    customer: { name: 'Anna' },
  });
});

test('a conflict of a deleted customer is gone with it, until it is restored', async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'local' });
  await api.call('DELETE', `/customers/${lost.id}`);
  expect((await apply(lost)).status).toBe(410);
});

test("another customer's conflict, and an unknown one, are not found", async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'local' });
  const other = await api.customer();
  expect((await apply({ id: other.id, conflict: lost.conflict })).status).toBe(404);
  expect((await apply({ id: lost.id, conflict: other.id })).status).toBe(404);
  expect((await apply({ id: lost.id, conflict: 'x' })).status).toBe(404);
  expect((await api.call('GET', '/customers/01890000-0000-7000-8000-000000000000/conflicts')).status).toBe(
    404,
  );
  expect((await api.call('GET', `/customers/${other.id}/conflicts`)).body).toEqual({ data: [] });
});

test('a look that holds the link makes the answer wait, so that no look decides with half of it', async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'ask' });
  const look = await hold(api.database, 'select from counterpart.links where id = $1 for update', [
    lost.link,
  ]);
  const answer = apply(lost, { take: 'remote' });
  await untilWaiting(api.database, 1);
  await look.query(`update counterpart.conflicts set theirs = '"Anne"' where id = $1`, [lost.conflict]);
  await look.letGo();
  expect((await answer).body.code).toBe('conflict_moved');
  expect((await apply(lost, { take: 'remote' })).body.customer.name).toBe('Anne');
});

test('what a person took is told as the doing of an operator, an edit of the product as its own', async () => {
  const lost = await withLost({ ours: 'Ann', theirs: 'Anna', winner: 'local' });
  expect((await apply(lost)).status).toBe(200);
  const { body } = await api.call('PATCH', `/customers/${lost.id}`, { name: 'Anne' });
  const { body: story } = await api.call('GET', `/customers/${lost.id}/timeline`);
  const edits = story.data.filter(({ kind }: Loose) => kind === 'change').slice(0, 2);
  expect(edits).toMatchObject([
    { by: 'product', text: `edited name (version ${body.version})` },
    { by: 'operator', text: `edited name (version ${body.version - 1})` },
  ]);
});
