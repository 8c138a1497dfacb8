import { freshDatabase } from '../../test/environment/database';
import type { FreshDatabase } from '../../test/environment/database';
import { parseRecordId, trusted } from '../core/ids';
import type { RecordId } from '../core/ids';
import { openDatabase } from './database';
import type { Database } from './database';
import { countParked, listParked } from './parked';
import { countStates, readQueue, readWaiting, readSync } from './syncState';

let fresh: FreshDatabase;
let database: Database;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = openDatabase(fresh.url, { max: 4, name: 'test', onIdleError: () => undefined });
  await database.query(
    `insert into counterpart.connections (name, system) values ('stripe', 'stripe'), ('crm', 'salesforce')`,
  );
});
beforeEach(async () => {
  for (const table of ['customers', 'tombstones', 'links', 'work_queue']) {
    await database.query(`delete from counterpart.${table}`);
  }
  await database.query(
    'update counterpart.connections set paused_at = null, pause_code = null, pause_detail = null',
  );
});
afterAll(async () => {
  await database.close();
  await fresh.drop();
});

interface Facts {
  /** A row, a tombstone, or neither. */
  readonly record?: 'live' | 'deleted' | 'absent';
  /** The newest link at stripe: state and outcome. */
  readonly link?: readonly [state: string, outcome: string];
  readonly detached?: boolean;
  /** `waiting_on` of the queue row; null when there is none. */
  readonly queued?: readonly string[] | null;
  readonly paused?: boolean;
}

async function arrange(facts: Facts): Promise<{ id: RecordId; live: boolean }> {
  const { record = 'live', link, queued = null } = facts;
  const { rows } = await database.query<{ id: string }>(
    `insert into counterpart.customers (name) values ('Ann') returning id`,
  );
  const id = trusted(parseRecordId(rows[0]!.id), 'record id');
  if (record !== 'live') await database.query('delete from counterpart.customers where id = $1', [id]);
  if (record === 'absent')
    await database.query('delete from counterpart.tombstones where record_id = $1', [id]);
  await database.query('delete from counterpart.work_queue where record_id = $1', [id]);
  if (link !== undefined) {
    await database.query(
      `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, outcome, agreed_version, detached, reason, reason_since)
       values ('stripe', 'customer', $1::uuid, 1, 'cus_' || $1::text, $2, 'local', $3, 1, $4, '{"code":"rejected","field":"email","detail":"email_invalid (req_1)"}', now())`,
      [id, link[0], link[1], facts.detached ?? false],
    );
  }
  if (queued !== null) {
    await database.query(`select counterpart.enqueue('customer', array[$1::uuid], 'local')`, [id]);
    await database.query('update counterpart.work_queue set waiting_on = $2 where record_id = $1', [
      id,
      queued,
    ]);
  }
  if (facts.paused === true) {
    await database.query(
      `update counterpart.connections set paused_at = now(), pause_code = 'unauthorized', pause_detail = 'req_2' where name = 'stripe'`,
    );
  }
  return { id, live: record === 'live' };
}

async function stateAtStripe(facts: Facts) {
  const record = await arrange(facts);
  const entry = (await readSync(database, [record]))
    .get(record.id)!
    .find(({ connection }) => connection === 'stripe')!;
  const counted = (await countStates(database)).get('stripe')!;
  return { ...entry, counted: Object.entries(counted).filter(([, n]) => n > 0) };
}

test.each<[string, Facts, string, string | null]>([
  ['just created, no look yet', { queued: [] }, 'pending', null],
  ['created before the connection existed', {}, 'pending', null],
  ['alike on both sides', { link: ['linked', 'in_sync'] }, 'in_sync', null],
  ['changed since the last look', { link: ['linked', 'in_sync'], queued: [] }, 'pending', null],
  ['parked', { link: ['linked', 'parked'] }, 'parked', 'rejected'],
  ['parked, then edited', { link: ['linked', 'parked'], queued: [] }, 'pending', null],
  ['waiting for its connection', { link: ['linked', 'waiting'], queued: ['stripe'] }, 'waiting', 'rejected'],
  [
    'done here, while another connection is down',
    { link: ['linked', 'in_sync'], queued: ['crm'] },
    'in_sync',
    null,
  ],
  ['its connection is paused', { link: ['linked', 'in_sync'], paused: true }, 'paused', 'unauthorized'],
  [
    'parked, and its connection is paused',
    { link: ['linked', 'parked'], paused: true },
    'paused',
    'unauthorized',
  ],
  ['paused, then resumed', { link: ['linked', 'paused'], queued: [] }, 'pending', null],
  [
    'deleted here, not yet there',
    { record: 'deleted', link: ['deleting', 'pending'], queued: [] },
    'pending',
    null,
  ],
  ['deleted on both sides', { record: 'deleted', link: ['retired', 'deleted'] }, 'deleted', null],
  [
    'deleted, and its connection is paused',
    { record: 'deleted', link: ['retired', 'deleted'], paused: true },
    'deleted',
    null,
  ],
  [
    'deleted, and an operator looks again',
    { record: 'deleted', link: ['retired', 'deleted'], queued: [] },
    'deleted',
    null,
  ],
  [
    'deleted here and cut off there',
    { record: 'deleted', link: ['retired', 'deleted'], detached: true },
    'deleted',
    null,
  ],
  ['deleted before it ever stood there', { record: 'deleted' }, 'deleted', null],
  ['deleted before it ever stood there, no look yet', { record: 'deleted', queued: [] }, 'pending', null],
  ['restored, the old object is gone', { link: ['retired', 'deleted'], queued: [] }, 'pending', null],
  ['being created there', { link: ['reserved', 'pending'], queued: [] }, 'pending', null],
  [
    'deleted while being created there',
    { record: 'deleted', link: ['reserved', 'pending'], queued: [] },
    'pending',
    null,
  ],
  [
    'born there, not pulled yet',
    { record: 'absent', link: ['reserved', 'pending'], queued: [] },
    'pending',
    null,
  ],
  [
    'born there and parked before it was pulled',
    { record: 'absent', link: ['reserved', 'parked'] },
    'parked',
    'rejected',
  ],
])('%s: the record and the counts say the same', async (_what, facts, state, reason) => {
  const seen = await stateAtStripe(facts);
  expect([seen.state, seen.reason?.code ?? null, seen.counted]).toEqual([state, reason, [[state, 1]]]);
});

test('a restored record has no remote object until its next generation has one', async () => {
  expect((await stateAtStripe({ link: ['retired', 'deleted'], queued: [] })).remoteId).toBeNull();
});

test('a deleted record still names the object it stood for', async () => {
  expect((await stateAtStripe({ record: 'deleted', link: ['retired', 'deleted'] })).remoteId).toMatch(
    /^cus_/,
  );
});

test('of several generations the newest tells', async () => {
  const record = await arrange({ link: ['retired', 'deleted'] });
  await database.query(
    `insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, outcome, agreed_version)
     values ('stripe', 'customer', $1, 2, 'cus_two', 'linked', 'local', 'in_sync', 3)`,
    [record.id],
  );
  const [crm, stripe] = (await readSync(database, [record])).get(record.id)!;
  expect(stripe).toMatchObject({
    connection: 'stripe',
    remoteId: 'cus_two',
    state: 'in_sync',
    syncedVersion: 3,
  });
  expect(crm).toMatchObject({ connection: 'crm', remoteId: null, state: 'pending' });
  const none = { pending: 0, in_sync: 0, waiting: 0, parked: 0, paused: 0, deleted: 0 };
  expect(await countStates(database)).toEqual(
    new Map([
      ['stripe', { ...none, in_sync: 1 }],
      ['crm', { ...none, pending: 1 }],
    ]),
  );
});

test('a pause tells its reason and since when', async () => {
  const { reason } = await stateAtStripe({ link: ['linked', 'in_sync'], paused: true });
  expect(reason).toMatchObject({ code: 'unauthorized', detail: 'req_2', since: expect.any(Date) });
});

test('the queue tells its depth and the age of what nobody answered apart from what waits', async () => {
  expect(await readQueue(database)).toEqual({
    depth: 0,
    oldestPendingS: null,
    oldestWaitingS: null,
    unclaimedS: null,
  });
  await arrange({ queued: [] });
  const waiting = await arrange({ queued: ['stripe'] });
  await database.query(
    `update counterpart.work_queue set hinted_at = now() - interval '1 hour' where record_id = $1`,
    [waiting.id],
  );
  const queue = await readQueue(database);
  expect(queue.depth).toBe(2);
  expect(queue.oldestPendingS).toBeLessThan(60);
  expect(queue.oldestWaitingS).toBeGreaterThan(3_599);
  const later = await arrange({ queued: ['stripe'] });
  expect(later.id).not.toBe(waiting.id);
  expect(await readWaiting(database)).toEqual([
    { connection: 'stripe', records: 2, oldestS: expect.any(Number) },
  ]);
  expect((await readWaiting(database))[0]?.oldestS).toBeGreaterThan(3_599);
});

test('parked records are counted by reason and listed, also those without a row', async () => {
  const reserved = await arrange({ record: 'absent', link: ['reserved', 'parked'] });
  const live = await arrange({ link: ['linked', 'parked'] });
  await arrange({ link: ['linked', 'in_sync'] });
  expect(await countParked(database)).toEqual([{ connection: 'stripe', code: 'rejected', links: 2 }]);
  const listed = await listParked(database, 10);
  expect(listed.map(({ recordId, hasRow }) => [recordId, hasRow])).toEqual([
    [live.id, true],
    [reserved.id, false],
  ]);
  expect(await listParked(database, 1)).toHaveLength(1);
});

test('a parked record that is queued to be looked at again is not listed as parked meanwhile; a deleted one says so', async () => {
  const live = await arrange({ link: ['linked', 'parked'] });
  const deleted = await arrange({ record: 'deleted', link: ['linked', 'parked'] });
  const both = await listParked(database, 10);
  expect(both.map(({ recordId, hasRow, deleted: gone }) => [recordId, hasRow, gone])).toEqual([
    [deleted.id, false, true],
    [live.id, true, false],
  ]);
  await database.query(`select counterpart.enqueue('customer', $1::uuid[], 'operator')`, [
    [live.id, deleted.id],
  ]);
  expect(await listParked(database, 10)).toEqual([]);
  expect(await countParked(database)).toEqual([]);
});

test('the queue tells since when nobody takes what is due, and nothing while somebody does', async () => {
  const { id } = await arrange({ queued: [] });
  await arrange({ queued: [] });
  const age = (due: string, claimed: string) =>
    database.query(
      `update counterpart.work_queue set due_at = now() + $2::interval,
         signalled_at = case when record_id = $1 then now() - $3::interval end`,
      [id, due, claimed],
    );
  await age('-1 hour', '5 minutes');
  const { unclaimedS } = await readQueue(database);
  expect(unclaimedS).toBeGreaterThanOrEqual(300);
  expect(unclaimedS).toBeLessThan(360);
  await age('-1 hour', '0 s');
  expect((await readQueue(database)).unclaimedS).toBeLessThan(60);
  await age('1 hour', '5 minutes');
  expect((await readQueue(database)).unclaimedS).toBeNull();
});
