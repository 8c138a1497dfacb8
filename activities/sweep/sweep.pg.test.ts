/** Full comparisons: what no event and no trigger told of is found, healed by ordinary looks, and nothing else is touched. */
import type { RecordId } from '../../src/core/ids';
import { failureOf } from '../../src/connectors/memory';
import { CUSTOMER, STRIPE, freshMail } from '../desk-for-tests';
import { places, restAll } from './place-for-tests';
import type { Place } from './place-for-tests';

const at = places();

async function pull(place: Place): Promise<void> {
  await place.heal();
  place.system.calls.length = 0;
}

const names = async (place: Place): Promise<string[]> =>
  (
    await place.database.query<{ name: string }>('select name from counterpart.customers order by name')
  ).rows.map(({ name }) => name);

const queueLength = async (place: Place): Promise<number> =>
  (await place.database.query<{ n: number }>('select count(*) as n from counterpart.work_queue')).rows[0]!.n;

const theirs = (place: Place): string[] =>
  place.system
    .living()
    .map(([, { fields }]) => String(fields['name']))
    .toSorted();

/** Customers in sync on both sides. @returns their record ids, in order */
async function standing(place: Place, count: number): Promise<RecordId[]> {
  const ids: RecordId[] = [];
  for (let i = 0; i < count; i += 1) {
    const { id } = await place.synced({ name: `Ann ${i}`, email: freshMail() });
    ids.push(id);
  }
  return ids;
}

const objectOf = async (place: Place, id: RecordId) =>
  (await place.store.links.newestOfRecord(CUSTOMER, id))[0]!.remoteId!;

test('I5: what stood on one side only when the two met stands on both', async () => {
  const place = await at.open();
  for (let i = 0; i < 104; i += 1) place.system.plant({ name: `Ann ${i}`, email: freshMail() });
  await place.pastTriggers(`insert into counterpart.customers (name) values ('Ann here'), ('Ann too')`);
  const sweep = await place.heal();
  expect(sweep).toMatchObject({ ending: 'done', calls: 2, objects: 104, records: 2, found: 106 });
  expect(await names(place)).toHaveLength(106);
  expect(await names(place)).toEqual(theirs(place));
  expect(place.system.writes()).toHaveLength(2);
});

test('I5: the first sweep is asked for once, and not before what happens meanwhile is heard of', async () => {
  const place = await at.open();
  const { sweeps, cursors } = place.store;
  expect(await sweeps.requestFirst(STRIPE, true)).toBe(false);
  await cursors.startCursor(STRIPE, 1_700_000_000);
  expect(await sweeps.requestFirst(STRIPE, true)).toBe(true);
  await place.sweep();
  expect(await sweeps.requestFirst(STRIPE, true)).toBe(true);
  expect((await sweeps.listSweeps(10)).map(({ cause }) => cause)).toEqual(['first']);
});

test('failure 16: nobody told of edits, births and deletions there: the sweep finds each, and the looks heal them', async () => {
  const place = await at.open();
  const [edited, deleted, calm] = (await standing(place, 3)) as [RecordId, RecordId, RecordId];
  place.system.edit(await objectOf(place, edited), { name: 'Ann edited' });
  place.system.erase(await objectOf(place, deleted));
  place.system.plant({ name: 'Ann born', email: null });
  const sweep = await place.heal();
  expect(await place.findings()).toEqual(['there created', 'there edited name', 'there missing']);
  expect(await place.row(edited)).toMatchObject({ name: 'Ann edited' });
  expect(await place.row(deleted)).toBeNull();
  expect(await names(place)).toContain('Ann born');
  expect(await place.row(calm)).toMatchObject({ name: 'Ann 2' });
  expect(place.system.writes()).toEqual([]);
  const report = await place.store.sweepFindings.countFindings(sweep.id);
  expect(report.every(({ state, records }) => state === 'healed' && records === 1)).toBe(true);
});

test('I7: a sweep of what is equal reads each page once, writes nothing and asks for no look', async () => {
  const place = await at.open();
  for (let i = 0; i < 150; i += 1) place.system.plant({ name: `Ann ${i}`, email: freshMail() });
  await standing(place, 3);
  await pull(place);
  const sweep = await place.sweep();
  expect(sweep).toMatchObject({ ending: 'done', objects: 153, records: 153, found: 0 });
  expect(place.system.calls.map(({ operation }) => operation)).toEqual(['list', 'list']);
  expect(await queueLength(place)).toBe(0);
  expect(await place.findings()).toEqual([]);
  const { rows } = await place.database.query('select from counterpart.sweep_seen');
  expect(rows).toEqual([]);
});

test('I7: another form of the same value is no drift', async () => {
  const place = await at.open();
  const [id] = (await standing(place, 1)) as [RecordId];
  await place.pastTriggers(`update counterpart.customers set name = ' Ann 0 ', email = upper(email)`);
  place.system.edit(await objectOf(place, id), { name: 'Ann 0  ' });
  await place.sweep();
  expect(await place.findings()).toEqual([]);
});

test('failure 62: rows written, changed and removed past the triggers are found, and both sides are equal again', async () => {
  const place = await at.open();
  const [edited, removed] = (await standing(place, 3)) as [RecordId, RecordId];
  await place.pastTriggers(`update counterpart.customers set name = 'Ann past' where id = $1`, [edited]);
  await place.pastTriggers('delete from counterpart.customers where id = $1', [removed]);
  await place.pastTriggers(`insert into counterpart.customers (name) values ('Ann restored')`);
  expect(await queueLength(place)).toBe(0);
  await place.heal();
  expect(await place.findings()).toEqual(['here created', 'here edited name', 'here vanished']);
  expect(theirs(place)).toEqual(['Ann 1', 'Ann 2', 'Ann past', 'Ann restored']);
  expect(await names(place)).toEqual(theirs(place));
  await place.sweep();
  expect(await place.findings()).toEqual([]);
});

test('failure 62: a deletion whose hint was lost reaches the other side', async () => {
  const place = await at.open();
  const [id] = (await standing(place, 1)) as [RecordId];
  await place.remove(id);
  await place.database.query('delete from counterpart.work_queue');
  await place.heal();
  expect(await place.findings()).toEqual(['here deleted']);
  expect(theirs(place)).toEqual([]);
});

test('I14: a look that was never finished is finished', async () => {
  const place = await at.open();
  const id = await place.insert({ name: 'Ann' });
  await place.open(id);
  await place.database.query('delete from counterpart.work_queue');
  await place.heal();
  expect(await place.findings()).toEqual(['here unfinished']);
  expect(theirs(place)).toEqual(['Ann']);
});

test('failure 56: absent from the list proves nothing: an object that cannot be seen is parked, and nobody is deleted', async () => {
  const place = await at.open();
  const [id] = (await standing(place, 2)) as [RecordId];
  const remoteId = await objectOf(place, id);
  place.system.hide(remoteId);
  await place.heal();
  expect(await place.row(id)).not.toBeNull();
  expect(await place.link(id)).toMatchObject({ outcome: 'parked', reason: { code: 'remote_missing' } });
  await place.heal();
  expect(await place.findings()).toEqual([]);
  place.system.show(remoteId);
  await place.heal();
  expect(await place.link(id)).toMatchObject({ outcome: 'in_sync' });
});

test('I15: an object that the list shows and nobody can read keeps no other one waiting, and is not taken for missing', async () => {
  const place = await at.open();
  const [id] = (await standing(place, 2)) as [RecordId];
  const odd = await objectOf(place, id);
  place.system.plant({ name: 'Ann born', email: null });
  const remote = place.connectors.get(STRIPE)!.catalogs.get(CUSTOMER)!;
  const list = remote.list.bind(remote);
  jest.spyOn(remote, 'list').mockImplementation(async (page) => {
    const answer = await list(page);
    if (answer.kind === 'failed') return answer;
    const objects = answer.value.objects.filter(({ remoteId }) => remoteId !== odd);
    return {
      ...answer,
      value: { ...answer.value, objects, unreadable: [odd, 'unreadable_0123456789abcdef'] },
    };
  });
  expect(await place.heal()).toMatchObject({ ending: 'done', objects: 2 });
  expect(await place.findings()).toEqual(['there created']);
  expect(await place.link(id)).toMatchObject({ outcome: 'in_sync' });
});

test('I7: a question to a person is asked once, and is no drift the next night; another field there is', async () => {
  const place = await at.open({ onConflict: 'ask' });
  const [id] = (await standing(place, 1)) as [RecordId];
  const remoteId = await objectOf(place, id);
  place.system.edit(remoteId, { name: 'Ann there' });
  await place.update(id, { name: 'Ann here' });
  await place.settle(id);
  expect(await place.link(id)).toMatchObject({ outcome: 'parked', reason: { code: 'conflict' } });
  await place.sweep();
  expect(await place.findings()).toEqual([]);
  const email = freshMail();
  place.system.edit(remoteId, { email });
  await place.heal();
  expect(await place.findings()).toEqual(['there edited email']);
  expect(await place.row(id)).toEqual({ name: 'Ann here', email });
});

test('a hint that is on its way already is no drift', async () => {
  const place = await at.open();
  const [id] = (await standing(place, 1)) as [RecordId];
  place.system.edit(await objectOf(place, id), { name: 'Ann heard' });
  await place.hint(id);
  await place.sweep();
  expect(await place.findings()).toEqual([]);
});

test('failure 44: the worker ends in the middle: the next attempt goes on at the page after the last one that counted', async () => {
  const place = await at.open();
  for (let i = 0; i < 650; i += 1) place.system.plant({ name: null, email: null });
  await place.store.sweeps.request(STRIPE, 'operator');
  const batch = await place.activities.sweepBatch({ connection: STRIPE });
  expect(batch).toMatchObject({ next: 'more', phase: 'objects', objects: 500 });
  const held = place.system.hold('list');
  const dying = place.activities.sweepBatch({ connection: STRIPE });
  await held.arrived;
  const done = await place.sweep();
  held.release();
  expect(await dying).toMatchObject({ next: 'idle' });
  expect(done).toMatchObject({ ending: 'done', calls: 7, objects: 650, found: 650 });
  expect(place.calls('list')).toBe(8);
  expect(await queueLength(place)).toBe(650);
});

test('a paused connection is not read: the sweep waits, says why, and goes on when it is resumed', async () => {
  const place = await at.open();
  place.system.plant({ name: 'Ann', email: null });
  await place.store.connections.pause(STRIPE, { code: 'paused', detail: null });
  expect(await place.sweep()).toMatchObject({ endedAt: null, waitsFor: 'paused' });
  expect(place.system.calls).toEqual([]);
  await place.store.connections.resume(STRIPE);
  expect(await place.sweep()).toMatchObject({ ending: 'done', waitsFor: null, found: 1 });
});

test.each([
  ['does not answer', failureOf('unavailable', { code: 'ECONNREFUSED' }), 'unavailable', null],
  ['asks us to slow down', failureOf('rate-limited', { status: 429 }), 'rate_limited', null],
  ['refuses the key', failureOf('unauthorized', { status: 401 }), 'unauthorized', 'unauthorized'],
])('a system that %s: the sweep waits where it is', async (_, outage, waitsFor, paused) => {
  const place = await at.open();
  place.system.plant({ name: 'Ann', email: null });
  place.system.outage = outage;
  expect(await place.sweep()).toMatchObject({ endedAt: null, waitsFor, calls: 0 });
  expect((await place.store.connections.find(STRIPE))?.paused?.code ?? null).toBe(paused);
  place.system.outage = null;
  await place.store.connections.resume(STRIPE);
  expect(await place.sweep()).toMatchObject({ ending: 'done', objects: 1 });
});

test('one sweep of a connection at a time: who asks again is told of the open one', async () => {
  const place = await at.open();
  const asked = await Promise.all(
    Array.from({ length: 8 }, () => place.store.sweeps.request(STRIPE, 'operator')),
  );
  expect(asked.filter(({ opened }) => opened)).toHaveLength(1);
  expect(new Set(asked.map(({ sweep }) => sweep.id)).size).toBe(1);
});

test('I15: what a sweep found comes after every live edit, and leaves half the places free', async () => {
  const place = await at.open();
  for (let i = 0; i < 300; i += 1) place.system.plant({ name: `Ann ${i}`, email: null });
  await place.sweep();
  const id = await place.insert({ name: 'Ann live' });
  const lease = { ms: 10_000, maxMs: 10_000 };
  const claim = (rows: number) => place.store.queue.claimDue({ rows, inFlight: 100 }, lease);
  expect((await claim(1)).map(({ recordId }) => recordId)).toEqual([id]);
  expect(await claim(100)).toHaveLength(50);
  expect(await claim(100)).toEqual([]);
  const late = await place.insert({ name: 'Ann late' });
  expect((await claim(100)).map(({ recordId }) => recordId)).toEqual([late]);
  expect(await place.store.queue.msUntilDue()).toBe(0);
});

test('I15: a person who edits what a sweep has found does not wait in its line', async () => {
  const place = await at.open();
  const [id] = (await standing(place, 1)) as [RecordId];
  place.system.edit(await objectOf(place, id), { name: 'Ann there' });
  await place.sweep();
  expect(await place.store.queue.countBulk(10)).toBe(1);
  await place.update(id, { email: freshMail() });
  expect(await place.store.queue.countBulk(10)).toBe(0);
});

test('a sweep finds no faster than looks are made: it waits while a thousand findings are due', async () => {
  const place = await at.open();
  for (let i = 0; i < 1_300; i += 1) place.system.plant({ name: null, email: null });
  await place.store.sweeps.request(STRIPE, 'operator');
  const batches = [];
  for (let i = 0; i < 3; i += 1) batches.push(await place.activities.sweepBatch({ connection: STRIPE }));
  expect(batches).toMatchObject([
    { next: 'more' },
    { next: 'more', objects: 1_000 },
    { next: 'wait', waitsFor: null, objects: 1_000 },
  ]);
});

test('a row that came back past the triggers is not reported at each sweep', async () => {
  const place = await at.open();
  const { id } = await place.synced({ name: 'Ann', email: freshMail() });
  await place.remove(id);
  await restAll(place);
  await place.pastTriggers(`insert into counterpart.customers (id, name) values ($1, 'Ann')`, [id]);
  await place.heal();
  await place.heal();
  await place.heal();
  expect(await place.findings()).toEqual([]);
});

test('what our own database refuses is found once; the next nights it is tried again and counted as known', async () => {
  const place = await at.open();
  await place.database.query(
    `alter table counterpart.customers add constraint no_bobs check (name <> 'Ann Bob') not valid`,
  );
  const remoteId = place.system.plant({ name: 'Ann Bob', email: freshMail() });
  expect(await place.heal()).toMatchObject({ found: 1, known: 0 });
  for (let nights = 0; nights < 2; nights += 1)
    expect(await place.heal()).toMatchObject({ found: 0, known: 1 });
  expect(await names(place)).toEqual([]);
  // no event tells of it
  place.system.edit(remoteId, { name: 'Ann' });
  expect(await place.heal()).toMatchObject({ found: 0, known: 1 });
  expect(await names(place)).toEqual(['Ann']);
  expect(await place.heal()).toMatchObject({ found: 0, known: 0 });
});
