/** A field that automations on both sides keep rewriting is stopped, says so, and holds up nothing else. */
import { SWINGS_MAX } from '../src/core/pingPong';
import type { RecordId, RemoteId } from '../src/core/ids';
import { forgetSwings } from '../src/store/swings';
import { CRM, CUSTOMER, desks, freshMail, newSystem } from './desk-for-tests';
import type { Desk } from './desk-for-tests';

const openDesk = desks();
/** Far more rounds than the breaker lets go. */
const ROUNDS = 20;

interface Duellist {
  readonly id: RecordId;
  readonly remoteId: RemoteId;
}

/** Here the product puts its own value back whenever it is another; there an automation does. */
async function duel(desk: Desk, { id, remoteId }: Duellist, rounds = ROUNDS): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    if ((await desk.row(id))?.['name'] !== 'Ours') await desk.update(id, { name: 'Ours' });
    await desk.rest();
    const there = desk.system.living().find(([remote]) => remote === remoteId)?.[1];
    if (there?.fields['name'] !== 'Theirs') desk.system.edit(remoteId, { name: 'Theirs' });
    await desk.hint(id);
    await desk.rest();
  }
}

/** A person says: look again. */
async function retry(desk: Desk, id: RecordId): Promise<void> {
  await forgetSwings(desk.database, CUSTOMER, id);
  await desk.store.queue.enqueue(CUSTOMER, [id], 'operator');
  await desk.rest();
}

test('failure 30: writes stop within a bound, the record parks and names the field, both values are kept', async () => {
  const desk = await openDesk();
  const one = await desk.synced({ name: 'Ours', email: freshMail() });
  const before = desk.system.writes().length;
  await duel(desk, one);
  expect(desk.system.writes().length - before).toBeLessThanOrEqual(SWINGS_MAX);
  expect(await desk.link(one.id)).toMatchObject({
    outcome: 'parked',
    reason: { code: 'ping_pong', field: 'name' },
  });
  const open = (await desk.lost(one.id)).filter((lost) => (lost as { cause: string }).cause === 'ping_pong');
  expect(open).toEqual([
    expect.objectContaining({ field: 'name', ours: 'Ours', theirs: 'Theirs', winner: 'ask' }),
  ]);
});

test('failure 30: one automation there that answers each change with one of its own moves nothing twice', async () => {
  const desk = await openDesk();
  const { id, remoteId } = await desk.synced({ name: 'Ann', email: freshMail() });
  const before = desk.system.writes().length;
  for (let round = 0; round < ROUNDS; round += 1) {
    desk.system.edit(remoteId, { name: `Ann ${round}` });
    await desk.hint(id);
    await desk.rest();
  }
  expect(desk.system.writes().length).toBe(before);
  expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync' });
});

test('I15: while one is stopped, its other field and other records go on', async () => {
  const desk = await openDesk();
  const one = await desk.synced({ name: 'Ours', email: freshMail() });
  const other = await desk.synced({ name: 'Other', email: freshMail() });
  await duel(desk, one);
  const email = freshMail();
  await desk.update(one.id, { email });
  await desk.update(other.id, { name: 'Edited' });
  await desk.rest();
  const standing = new Map(desk.system.living());
  expect(standing.get(one.remoteId)?.fields).toMatchObject({ email, name: 'Theirs' });
  expect(standing.get(other.remoteId)?.fields).toMatchObject({ name: 'Edited' });
  expect(await desk.link(one.id)).toMatchObject({ outcome: 'parked', reason: { code: 'ping_pong' } });
  expect(await desk.link(other.id)).toMatchObject({ outcome: 'in_sync' });
});

test("healed by a person's edit and retry, once the automations are off", async () => {
  const desk = await openDesk();
  const one = await desk.synced({ name: 'Ours', email: freshMail() });
  await duel(desk, one);
  await desk.update(one.id, { name: 'Agreed' });
  await desk.rest();
  expect(await desk.link(one.id)).toMatchObject({ outcome: 'parked' });
  await retry(desk, one.id);
  expect(await desk.link(one.id)).toMatchObject({ outcome: 'in_sync', reason: null });
  expect(new Map(desk.system.living()).get(one.remoteId)?.fields).toMatchObject({ name: 'Agreed' });
  const { rowCount } = await desk.database.query(
    `select from counterpart.conflicts where record_id = $1 and winner = 'ask' and resolved_at is null`,
    [one.id],
  );
  expect(rowCount).toBe(0);
});

test('retried while the automations still run: stopped once more, after as few writes', async () => {
  const desk = await openDesk();
  const one = await desk.synced({ name: 'Ours', email: freshMail() });
  await duel(desk, one);
  await retry(desk, one.id);
  const before = desk.system.writes().length;
  await duel(desk, one);
  expect(desk.system.writes().length - before).toBeLessThanOrEqual(SWINGS_MAX);
  expect(await desk.link(one.id)).toMatchObject({ outcome: 'parked', reason: { code: 'ping_pong' } });
});

test('the sides become alike by themselves: it is in sync again without a person', async () => {
  const desk = await openDesk();
  const one = await desk.synced({ name: 'Ours', email: freshMail() });
  await duel(desk, one);
  await desk.update(one.id, { name: 'Theirs' });
  await desk.rest();
  expect(await desk.link(one.id)).toMatchObject({ outcome: 'in_sync', reason: null });
});

test('a person who edits quickly on one side alone does not trip it, with one system or two', async () => {
  const crm = newSystem(CRM);
  const desk = await openDesk({ others: [crm] });
  const { id, remoteId } = await desk.synced({ name: 'Ann', email: freshMail() });
  await desk.rest();
  for (let edit = 0; edit < ROUNDS; edit += 1) {
    await desk.update(id, { name: `Ann ${edit}` });
    await desk.rest();
  }
  for (let edit = 0; edit < ROUNDS; edit += 1) {
    desk.system.edit(remoteId, { name: `There ${edit}` });
    await desk.hint(id);
    await desk.rest();
  }
  const last = `There ${ROUNDS - 1}`;
  expect(await desk.row(id)).toMatchObject({ name: last });
  expect(crm.living().map(([, { fields }]) => fields['name'])).toContain(last);
  for (const link of await desk.links(id)) expect(link).toMatchObject({ outcome: 'in_sync' });
});

test('failure 30: two systems whose automations each insist: stopped, though nobody edits here', async () => {
  const crm = newSystem(CRM);
  const desk = await openDesk({ others: [crm] });
  const { id } = await desk.synced({ name: 'Ann', email: freshMail() });
  await desk.rest();
  const of = async (name: string): Promise<RemoteId> => {
    const { rows } = await desk.database.query<{ remote_id: RemoteId }>(
      'select remote_id from counterpart.links where record_id = $1 and connection = $2',
      [id, name],
    );
    return rows[0]!.remote_id;
  };
  const [there, also] = [await of('stripe'), await of('crm')];
  const before = desk.system.writes().length + crm.writes().length;
  for (let round = 0; round < ROUNDS; round += 1) {
    desk.system.edit(there, { name: 'Upper' });
    await desk.hint(id);
    await desk.rest();
    crm.edit(also, { name: 'Lower' });
    await desk.hint(id);
    await desk.rest();
  }
  expect(desk.system.writes().length + crm.writes().length - before).toBeLessThanOrEqual(2 * SWINGS_MAX);
  const parked = (await desk.links(id)).filter(({ outcome }) => outcome === 'parked');
  expect(parked.map(({ reason }) => reason?.code)).toContain('ping_pong');
});
