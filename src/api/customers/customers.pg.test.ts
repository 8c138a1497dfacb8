import { hold, raw, startForTest, untilWaiting } from '../api-for-tests';
import type { Reply, TestApi } from '../api-for-tests';
import { customerBody } from './shapes';

let api: TestApi;
beforeAll(async () => {
  api = await startForTest();
});
afterAll(() => api.close());

async function queued(id: string): Promise<string | undefined> {
  const { rows } = await api.database.query<{ hint: string }>(
    'select hint from counterpart.work_queue where record_id = $1',
    [id],
  );
  return rows[0]?.hint;
}

async function emptyQueue(): Promise<void> {
  await api.database.query('delete from counterpart.work_queue');
}

/** The key the engine takes as well: an address is held the same way on both paths. */
const LOCK_EMAIL = `select pg_advisory_xact_lock(hashtextextended('customer:' || counterpart.canonical_email($1), 0))`;
const UNKNOWN = '01890000-0000-7000-8000-000000000000';

describe('creating', () => {
  test('a new customer is answered with its address, its version and where it stands, and is queued (I10)', async () => {
    const made = await api.call('POST', '/customers', { name: ' Ann  Lee ', email: ' Ann@Example.com ' });
    expect(made.status).toBe(201);
    expect(customerBody.parse(made.body)).toEqual(made.body);
    expect(made.body).toMatchObject({ name: 'Ann  Lee', email: 'Ann@Example.com', version: 1 });
    expect(made.body.sync).toEqual([
      {
        connection: 'stripe',
        remote_id: null,
        state: 'pending',
        synced_version: null,
        last_synced_at: null,
        possible_duplicate: false,
        reason: null,
      },
    ]);
    expect(made.headers.get('location')).toBe(`/customers/${made.body.id}`);
    expect(made.headers.get('etag')).toBe('"1"');
    expect(await queued(made.body.id)).toBe('local');
    const read = await api.call('GET', made.headers.get('location')!);
    expect(read.body).toEqual(made.body);
    expect(read.headers.get('etag')).toBe('"1"');
  });

  test('the empty text is no value, and read-only fields sent back are ignored', async () => {
    const made = await api.call('POST', '/customers', {
      name: 'Bo',
      email: '  ',
      id: UNKNOWN,
      version: 9,
      sync: [],
      created_at: 'x',
      updated_at: null,
      deleted_at: 1,
    });
    expect(made.body).toMatchObject({ name: 'Bo', email: null, version: 1 });
    expect(made.body.id).not.toBe(UNKNOWN);
  });

  test('a name of 256 emoji is accepted: characters are counted, not code units', async () => {
    expect((await api.call('POST', '/customers', { name: '😀'.repeat(256) })).status).toBe(201);
    const longer = await api.call('POST', '/customers', { name: '😀'.repeat(257) });
    expect(longer.body.errors).toEqual([expect.objectContaining({ pointer: '/name', code: 'too_long' })]);
  });

  test.each<[string, unknown, string, string]>([
    ['neither name nor e-mail', {}, '', 'name_or_email_needed'],
    ['both empty', { name: ' ', email: null }, '', 'name_or_email_needed'],
    ['an unknown field', { name: 'A', 'phone/no': 'x' }, '/phone~1no', 'unknown_field'],
    ['a number for a name', { name: 7 }, '/name', 'invalid_type'],
    ['an array', [], '', 'invalid_type'],
    ['a string', 'x', '', 'invalid_type'],
    ['null', null, '', 'invalid_type'],
    ['NUL', { name: 'A\u0000B' }, '/name', 'control_character'],
    ['a line break inside', { name: 'A\nB' }, '/name', 'control_character'],
    ['half a surrogate pair', { name: 'A\ud800' }, '/name', 'not_unicode'],
    ['an e-mail without @', { email: 'foo' }, '/email', 'email_invalid'],
    ['an e-mail without a dot behind the @', { email: 'a@b' }, '/email', 'email_invalid'],
    ['an e-mail with a space', { email: 'a b@c.de' }, '/email', 'email_invalid'],
    ['an e-mail with two @', { email: 'a@b@c.de' }, '/email', 'email_invalid'],
    ['an e-mail with two dots', { email: 'a..b@c.de' }, '/email', 'email_invalid'],
    ['an e-mail with NUL', { email: 'a\u0000@c.de' }, '/email', 'control_character'],
    ['an e-mail of 513 characters', { email: `${'a'.repeat(508)}@c.de` }, '/email', 'too_long'],
  ])('%s is refused with the reason, and nothing is written', async (_what, body, pointer, code) => {
    const count = () =>
      api.database.query('select from counterpart.customers').then(({ rowCount }) => rowCount);
    const before = await count();
    const refused = await api.call('POST', '/customers', undefined, { raw: JSON.stringify(body) });
    expect(await count()).toBe(before);
    expect(refused.status).toBe(422);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(refused.body).toMatchObject({ code: 'invalid', status: 422 });
    expect(refused.body.errors).toEqual([expect.objectContaining({ pointer, code })]);
  });

  test('an own __proto__ is an unknown field like any other', async () => {
    const refused = await api.call('POST', '/customers', undefined, {
      raw: '{"name":"A","__proto__":{"x":1}}',
    });
    expect(refused.status).toBe(422);
  });
});

describe('an e-mail that a live customer has', () => {
  test('is refused naming every match by id, in whatever spelling it comes', async () => {
    const first = await api.customer({ email: 'Eve@example.com' });
    const second = (await api.call('POST', '/customers?on_duplicate=create', { email: 'eve@EXAMPLE.com' }))
      .body;
    const refused = await api.call('POST', '/customers', { email: ' EVE@example.COM' });
    expect(refused.status).toBe(409);
    expect(refused.body.code).toBe('customer_exists');
    expect(refused.body.matches.map((match: { id: string }) => match.id)).toEqual([first.id, second.id]);
    expect(refused.text).not.toMatch(/eve@/i);
    const ambiguous = await api.call('POST', '/customers?on_duplicate=update', { email: 'eve@example.com' });
    expect([ambiguous.status, ambiguous.body.code]).toEqual([409, 'ambiguous']);
  });

  test('is updated instead when asked, keeping the fields that were not sent', async () => {
    const made = await api.customer({ name: 'Flo', email: 'flo@example.com' });
    const same = await api.call('POST', '/customers?on_duplicate=update', { email: 'flo@example.com' });
    expect([same.status, same.body.name, same.body.version]).toEqual([200, 'Flo', 1]);
    const updated = await api.call('POST', '/customers?on_duplicate=update', {
      name: 'Flora',
      email: 'Flo@Example.com',
    });
    expect(updated.status).toBe(200);
    expect(updated.body).toMatchObject({ id: made.id, name: 'Flora', email: 'Flo@Example.com', version: 2 });
  });

  test('makes one customer when eight create it at once', async () => {
    // All eight have read their input and stand before the address's lock at once.
    const held = await hold(api.database, LOCK_EMAIL, ['race@example.com']);
    const racing = Array.from({ length: 8 }, (_, i) =>
      api.call('POST', '/customers', { email: `${i % 2 ? 'Race' : 'race'}@example.com` }),
    );
    await untilWaiting(api.database, 8);
    await held.letGo();
    const replies = await Promise.all(racing);
    expect(replies.map((reply) => reply.status).toSorted((a, b) => a - b)).toEqual([
      201,
      ...Array(7).fill(409),
    ]);
  });

  test('is refused to a PATCH of another customer, not to the one that has it', async () => {
    const gus = await api.customer({ email: 'gus@example.com' });
    const other = await api.customer({ email: 'other@example.com' });
    const taken = await api.call('PATCH', `/customers/${other.id}`, { email: 'GUS@example.com' });
    expect([taken.status, taken.body.code]).toEqual([409, 'customer_exists']);
    expect(taken.body.matches).toEqual([{ id: gus.id, href: `/customers/${gus.id}` }]);
    expect((await api.call('PATCH', `/customers/${gus.id}`, { email: 'Gus@example.com' })).body.version).toBe(
      2,
    );
    const both = await api.call('PATCH', `/customers/${other.id}?on_duplicate=create`, {
      email: 'gus@example.com',
    });
    expect(both.status).toBe(200);
    const respelled = await api.call('PATCH', `/customers/${other.id}`, { email: 'GUS@example.com' });
    expect(respelled.status).toBe(200);
  });
});

describe('changing', () => {
  test('a merge patch changes what it names, null clears, and the customer is queued', async () => {
    const { id } = await api.customer({ name: 'Hal', email: 'hal@example.com' });
    await emptyQueue();
    const patched = await api.call('PATCH', `/customers/${id}`, { name: null });
    expect(patched.body).toMatchObject({ name: null, email: 'hal@example.com', version: 2 });
    expect(patched.headers.get('etag')).toBe('"2"');
    expect(await queued(id)).toBe('local');
  });

  test('a patch that changes nothing keeps the version and queues nothing', async () => {
    const { id, updated_at: updatedAt } = await api.customer({ name: 'Ida' });
    await emptyQueue();
    for (const body of [{}, { name: ' Ida ' }, { version: 7 }]) {
      expect((await api.call('PATCH', `/customers/${id}`, body)).body).toMatchObject({
        version: 1,
        updated_at: updatedAt,
      });
    }
    expect(await queued(id)).toBeUndefined();
  });

  test('the last of name and e-mail cannot be cleared', async () => {
    const { id } = await api.customer({ name: 'Jo' });
    const refused = await api.call('PATCH', `/customers/${id}`, { name: '' });
    expect(refused.status).toBe(422);
    expect(refused.body.errors[0].code).toBe('name_or_email_needed');
  });

  test('a customer that came without name and e-mail may be patched with nothing', async () => {
    const { rows } = await api.database.query<{ id: string }>(
      'insert into counterpart.customers default values returning id',
    );
    expect((await api.call('PATCH', `/customers/${rows[0]!.id}`, { name: null })).status).toBe(200);
  });

  test('plain JSON is taken as a merge patch too; other types are not', async () => {
    const { id } = await api.customer({ name: 'Kim' });
    const plain = await api.call(
      'PATCH',
      `/customers/${id}`,
      { name: 'Kay' },
      { headers: { 'content-type': 'application/json' } },
    );
    expect(plain.body.name).toBe('Kay');
    const other = await api.call('PATCH', `/customers/${id}`, [], {
      headers: { 'content-type': 'application/json-patch+json' },
    });
    expect(other.status).toBe(415);
    expect(other.headers.get('accept-patch')).toBe('application/merge-patch+json, application/json');
  });
});

function patch(id: string, tag: string): Promise<Reply> {
  return api.call(
    'PATCH',
    `/customers/${id}`,
    { name: `n${Math.random()}` },
    { headers: { 'if-match': tag } },
  );
}

describe('If-Match', () => {
  test('a stale version is refused with the one that stands (failure 38)', async () => {
    const { id } = await api.customer();
    expect((await patch(id, '"1"')).status).toBe(200);
    const stale = await patch(id, '"1"');
    expect([stale.status, stale.body.code, stale.headers.get('etag')]).toEqual([412, 'version', '"2"']);
    const deletion = await api.call('DELETE', `/customers/${id}`, undefined, {
      headers: { 'if-match': '"1"' },
    });
    expect(deletion.status).toBe(412);
  });

  test.each<[string, number]>([
    ['*', 200],
    ['"7", "1"', 200],
    [',"1",', 200],
    ['W/"1"', 412],
    ['"01"', 412],
    ['""', 412],
    ['1', 400],
    ['"1', 400],
    ['"1" "2"', 400],
    ['*, "1"', 400],
  ])('%s on version 1 answers %i', async (tag, status) => {
    const { id } = await api.customer();
    expect((await patch(id, tag)).status).toBe(status);
  });

  test('a weak tag is told as such: the customer did not change', async () => {
    const { id } = await api.customer();
    const refused = await patch(id, 'W/"1"');
    expect([refused.status, refused.body.code, refused.headers.get('etag')]).toEqual([
      412,
      'if_match_weak',
      '"1"',
    ]);
    expect((await patch(id, 'W/"1", "7"')).body.code).toBe('version');
    expect((await patch(id, refused.headers.get('etag')!)).status).toBe(200);
  });

  test('of two edits made from the same version one wins', async () => {
    const { id } = await api.customer();
    const replies = await Promise.all([patch(id, '"1"'), patch(id, '"1"')]);
    expect(replies.map((reply) => reply.status).toSorted((a, b) => a - b)).toEqual([200, 412]);
  });

  test('If-None-Match never makes a 304', async () => {
    const { id } = await api.customer();
    // Not by fetch, which adds "Cache-Control: no-cache" of its own.
    const read = await raw(`${api.url}/customers/${id}`, { headers: { 'if-none-match': '"1"' } });
    expect([read.status, JSON.parse(read.text).id]).toEqual([200, id]);
  });
});

describe('deleting and restoring', () => {
  test('a deleted customer is gone with its time and state, deleting again is fine, and it comes back on request', async () => {
    const { id, created_at: createdAt } = await api.customer({ name: 'Lea', email: 'lea@example.com' });
    const deletion = await api.call('DELETE', `/customers/${id}`);
    expect([deletion.status, deletion.text]).toEqual([204, '']);
    expect((await api.call('DELETE', `/customers/${id}`)).status).toBe(204);
    const read = await api.call('GET', `/customers/${id}`);
    expect(read.status).toBe(410);
    expect(read.body).toMatchObject({
      code: 'customer_deleted',
      sync: [{ connection: 'stripe', state: 'pending' }],
    });
    expect(read.body.deleted_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect((await api.call('PATCH', `/customers/${id}`, { name: 'x' })).status).toBe(410);
    const restored = await api.call('POST', `/customers/${id}/restore`);
    expect(restored.status).toBe(200);
    expect(restored.body).toMatchObject({
      id,
      name: 'Lea',
      email: 'lea@example.com',
      version: 3,
      created_at: createdAt,
    });
    expect((await api.call('POST', `/customers/${id}/restore`)).body.version).toBe(3);
  });

  test('a restore does not take an e-mail that another customer has now, unless both may have it', async () => {
    const { id } = await api.customer({ email: 'mia@example.com' });
    await api.call('DELETE', `/customers/${id}`);
    const heir = await api.customer({ email: 'mia@example.com' });
    const refused = await api.call('POST', `/customers/${id}/restore`);
    expect([refused.status, refused.body.matches[0].id]).toEqual([409, heir.id]);
    expect((await api.call('POST', `/customers/${id}/restore?on_duplicate=create`)).status).toBe(200);
  });

  test.each(['not-an-id', UNKNOWN, '%ff', '%00', "1' or '1"])(
    'nothing stands at /customers/%s: 404 for every method',
    async (id) => {
      for (const [method, path, body] of [
        ['GET', '', undefined],
        ['PATCH', '', {}],
        ['DELETE', '', undefined],
        ['POST', '/restore', undefined],
        ['POST', '/sync', undefined],
      ] as const) {
        const reply = await api.call(method, `/customers/${id}${path}`, body);
        expect([method, path, reply.status]).toEqual([method, path, 404]);
      }
    },
  );

  test('an id is the same in upper case', async () => {
    const { id } = await api.customer();
    expect((await api.call('GET', `/customers/${id.toUpperCase()}`)).body.id).toBe(id);
  });
});

describe('looking again', () => {
  test('a live, a deleted and a reserved record are queued by an operator', async () => {
    const live = await api.customer();
    const dead = await api.customer();
    await api.call('DELETE', `/customers/${dead.id}`);
    await emptyQueue();
    const { rows } = await api.database.query<{ record_id: string }>(
      `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born)
       values ('stripe', 'customer', counterpart.uuidv7(), 1, 'cus_born', 'reserved', 'remote') returning record_id`,
    );
    for (const id of [live.id, dead.id, rows[0]!.record_id]) {
      const reply = await api.call('POST', `/customers/${id}/sync`);
      expect([reply.status, reply.body.id, reply.body.sync[0].state]).toEqual([202, id, 'pending']);
      expect(await queued(id)).toBe('operator');
    }
    expect((await api.call('GET', `/customers/${rows[0]!.record_id}`)).status).toBe(404);
  });

  test('failure 9: what a system refused is tried again for whoever asks', async () => {
    const { id } = await api.customer();
    await api.database.query(
      `insert into counterpart.links (connection, catalog, record_id, generation, state, born, refused)
       values ('stripe', 'customer', $1, 1, 'reserved', 'local', '{"kind":"create","version":1,"replaces":{},"reason":null}')`,
      [id],
    );
    const forgotten = async () => {
      const { rows } = await api.database.query<{ refused: object | null }>(
        'select refused from counterpart.links where record_id = $1',
        [id],
      );
      return rows.map(({ refused }) => refused === null);
    };
    expect(await forgotten()).toEqual([false]);
    expect((await api.call('POST', `/customers/${id}/sync`)).status).toBe(202);
    expect(await forgotten()).toEqual([true]);
  });
});

describe("the product's own rules", () => {
  test('what a constraint or trigger does not accept is refused, and its message goes nowhere (I16)', async () => {
    const ruled = await startForTest();
    await ruled.database.query(
      `alter table counterpart.customers add constraint no_canary check (name <> 'Canary')`,
    );
    await ruled.database.query(`create unique index one_email on counterpart.customers (email)`);
    await ruled.database.query(`
      create function counterpart.judge() returns trigger language plpgsql as $$
      begin
        if new.name = 'Canary raised' then raise exception 'no % here', new.name; end if;
        return new;
      end $$;
      create trigger judge before insert on counterpart.customers for each row execute function counterpart.judge()`);
    await ruled.customer({ email: 'canary@example.com' });
    const replies = [
      await ruled.call('POST', '/customers', { name: 'Canary' }),
      await ruled.call('POST', '/customers', { name: 'Canary raised' }),
      await ruled.call('POST', '/customers?on_duplicate=create', { email: 'canary@example.com' }),
    ];
    await ruled.close();
    for (const reply of replies) {
      expect([reply.status, reply.body.code]).toEqual([422, 'refused_by_database']);
      expect(reply.text).not.toMatch(/canary/i);
    }
    expect(ruled.logged.join('')).not.toMatch(/canary/i);
  });
});

test('a request whose connection to Postgres is cut is told to come again, and then it works (failure 36)', async () => {
  const held = await hold(api.database, LOCK_EMAIL, ['cut@example.com']);
  const first = api.call('POST', '/customers', { email: 'cut@example.com' });
  await untilWaiting(api.database, 1);
  await api.database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock'`,
  );
  const refused = await first;
  expect([refused.status, refused.body.code]).toEqual([503, 'unavailable']);
  await held.letGo();
  expect((await api.call('POST', '/customers', { email: 'cut@example.com' })).status).toBe(201);
});

test('a customer that may be one person twice says so at the connection it came from', async () => {
  const { id } = await api.customer();
  const duplicate = async () => (await api.call('GET', `/customers/${id}`)).body.sync[0].possible_duplicate;
  expect(await duplicate()).toBe(false);
  await api.database.query(
    `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, outcome, possible_duplicate)
     values ('stripe', 'customer', $1, 1, 'cus_dup', 'linked', 'remote', 'in_sync', true)`,
    [id],
  );
  expect(await duplicate()).toBe(true);
});
