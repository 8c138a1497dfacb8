import { startForTest } from './api-for-tests';
import type { TestApi } from './api-for-tests';
import { statusBody } from './status';

let api: TestApi;
let now = 1_000_000;
beforeAll(async () => {
  api = await startForTest((deps) => ({ ...deps, clock: { now: () => now } }));
});
afterAll(() => api.close());

test('the status tells what is not in sync, why, and since when', async () => {
  const { id } = await api.customer({ name: 'Ann' });
  await api.database.query('delete from counterpart.work_queue');
  await api.database.query(
    `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, outcome, reason, reason_since)
     values ('stripe', 'customer', $1, 1, 'cus_1', 'linked', 'local', 'parked', '{"code":"remote_missing","field":null,"detail":null}', now())`,
    [id],
  );
  await api.database.query(
    `insert into counterpart.event_cursors (connection, event_created_at) values ('stripe', now() - interval '90 s')`,
  );
  await api.customer({ name: 'Bo' });
  const early = (await api.call('GET', '/status')).body;
  expect(early.connections[0].poll.cursor_age_seconds).toBeNull();
  expect(early.worker_silent_seconds).toBeNull();
  await api.database.query(
    `insert into counterpart.events (connection, id, type, created_at, source, result)
     select connection, 'evt_1', 'customer.updated', event_created_at, 'poll', 'ignored' from counterpart.event_cursors`,
  );
  await api.database.query(`update counterpart.work_queue set due_at = now() - interval '40 s'`);
  now += 2_000;
  const { body, status } = await api.call('GET', '/status');
  expect(status).toBe(200);
  expect(statusBody.parse(body)).toEqual(body);
  expect(body).toMatchObject({
    counts: { pending: 1, in_sync: 0, waiting: 0, parked: 1, paused: 0, deleted: 0 },
    queue_depth: 1,
    oldest_waiting_seconds: null,
    connections: [
      { name: 'stripe', state: 'active', counts: { parked: 1 }, parked_by_reason: { remote_missing: 1 } },
    ],
    parked: [
      {
        id,
        connection: 'stripe',
        remote_id: 'cus_1',
        has_row: true,
        deleted: false,
        reason: { code: 'remote_missing' },
      },
    ],
  });
  expect(body.parked[0].reason.action).toMatch(/Restore it there/);
  expect(body.oldest_pending_seconds).toBeLessThan(60);
  expect(body.worker_silent_seconds).toBeGreaterThanOrEqual(40);
  expect(body.connections[0].poll.cursor_age_seconds).toBeGreaterThanOrEqual(90);
});

test('the counts are read again after two seconds, not for every reader', async () => {
  const pending = async () => (await api.call('GET', '/status')).body.counts.pending;
  now += 2_000;
  const before = await pending();
  await api.customer({ name: 'Cy' });
  expect(await pending()).toBe(before);
  now += 2_000;
  expect(await pending()).toBe(before + 1);
});

test('pausing and resuming answer with the connection; an unknown one is not found', async () => {
  for (const verb of ['pause', 'resume']) {
    const known = await api.call('POST', `/connections/stripe/${verb}`);
    expect([known.status, known.body.name]).toEqual([200, 'stripe']);
    expect((await api.call('POST', `/connections/nobody/${verb}`)).status).toBe(404);
  }
});

test('a resume that the guard refuses says why', async () => {
  const guarded = await startForTest((deps) => ({
    ...deps,
    connections: {
      ...deps.connections,
      resume: async () => ({
        kind: 'refused',
        code: 'other_account',
        detail: 'The key belongs to another account.',
      }),
    },
  }));
  const refused = await guarded.call('POST', '/connections/stripe/resume');
  await guarded.close();
  expect([refused.status, refused.body.code, refused.body.reason]).toEqual([
    409,
    'resume_refused',
    'other_account',
  ]);
});
