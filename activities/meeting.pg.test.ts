import { failureOf } from '../src/connectors/memory';
import type { MemorySystem } from '../src/connectors/memory';
import type { ConnectionName, RecordId, RemoteId } from '../src/core/ids';
import { STRIPE, desks, freshMail } from './desk-for-tests';
import type { Desk } from './desk-for-tests';

const openDesk = desks();

function created(system: MemorySystem): number {
  return system.writes().filter(({ operation }) => operation === 'create').length;
}

/** The sweep that reads everything for the first time is over. */
async function met({ database }: Desk, connection: ConnectionName = STRIPE): Promise<void> {
  await database.query(
    `insert into counterpart.sweeps (connection, cause, ended_at, ending) values ($1, 'first', clock_timestamp(), 'done')`,
    [connection],
  );
}

async function expectOnePair(desk: Desk, id: RecordId, remoteId: RemoteId): Promise<void> {
  expect(await desk.links(id)).toMatchObject([
    { state: 'linked', outcome: 'in_sync', remote_id: remoteId, possible_duplicate: false },
  ]);
  expect(desk.system.living().map(([one]) => one)).toEqual([remoteId]);
  expect(created(desk.system)).toBe(0);
  const { rows } = await desk.database.query('select from counterpart.links where remote_id = $1', [
    remoteId,
  ]);
  expect(rows).toHaveLength(1);
}

/** Nobody there is shared, nobody stands alone, and each is marked. */
async function expectMarked(desk: Desk, email: string, pairs: number): Promise<void> {
  const { rows } = await desk.database.query<{ remote_id: string; possible_duplicate: boolean }>(
    `select l.remote_id, l.possible_duplicate from counterpart.customers c join counterpart.links l on l.record_id = c.id
     where c.email = $1 and l.outcome = 'in_sync'`,
    [email],
  );
  expect(new Set(rows.map(({ remote_id }) => remote_id)).size).toBe(pairs);
  expect(desk.system.living()).toHaveLength(pairs);
  expect(rows.filter((row) => row.possible_duplicate).length).toBeGreaterThanOrEqual(pairs - 1);
}

describe('who stands on both sides when they meet is one pair, without a create (I2)', () => {
  test('the record is looked at first, nobody has heard of the object', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const id = await desk.insert({ name: 'Ann', email: email.toUpperCase() });
    const remoteId = desk.system.plant({ name: 'Ann', email });
    await desk.rest();
    await expectOnePair(desk, id, remoteId);
  });

  test('the record is looked at first, a record id is reserved for the object', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const id = await desk.insert({ name: 'Ann', email });
    const remoteId = desk.system.plant({ name: 'Ann', email });
    const reserved = await desk.born(remoteId);
    await desk.settle(id);
    await desk.rest();
    await expectOnePair(desk, id, remoteId);
    expect(await desk.row(reserved)).toBeNull();
  });

  test('the object is looked at first, after the record was opened: its reservation gives way, the look writes nothing', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const id = await desk.insert({ name: 'Ann', email });
    const held = await desk.open(id);
    const remoteId = desk.system.plant({ name: 'Ann', email });
    await desk.settle(await desk.born(remoteId));
    expect(await desk.activities.examine(held)).toMatchObject({ next: 'stale' });
    await desk.rest();
    await expectOnePair(desk, id, remoteId);
  });

  test('both are looked at at once, ten times', async () => {
    const desk = await openDesk();
    for (let round = 0; round < 10; round += 1) {
      const email = freshMail();
      const id = await desk.insert({ name: 'Ann', email });
      const reserved = await desk.born(desk.system.plant({ name: 'Ann', email }));
      await Promise.all([desk.settle(id), desk.settle(reserved)]);
      await desk.rest();
      expect(await desk.links(id)).toMatchObject([{ outcome: 'in_sync' }]);
    }
    expect(desk.system.living()).toHaveLength(10);
    expect(created(desk.system)).toBe(0);
  });

  test('the connection was paused at set-up: looks have reserved, the door has heard, then it is resumed', async () => {
    const desk = await openDesk();
    const email = freshMail();
    await desk.store.connections.pause(STRIPE, { code: 'paused', detail: null });
    const id = await desk.insert({ name: 'Ann', email });
    const remoteId = desk.system.plant({ name: 'Ann', email });
    const reserved = await desk.born(remoteId);
    await desk.look(id);
    await desk.look(reserved);
    expect(await desk.link(id)).toMatchObject({ state: 'reserved', remote_id: null });
    await desk.store.connections.resume(STRIPE);
    await desk.hint(id);
    await desk.hint(reserved);
    await desk.rest();
    await expectOnePair(desk, id, remoteId);
  });

  test('the sweep is over before the record, older than it, has its turn', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const id = await desk.insert({ name: 'Ann', email });
    const remoteId = desk.system.plant({ name: 'Ann', email });
    await met(desk);
    await desk.settle(id);
    await desk.rest();
    await expectOnePair(desk, id, remoteId);
    await desk.database.query('delete from counterpart.sweeps');
  });

  test('the question fails for a while: nothing is created meanwhile', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const id = await desk.insert({ name: 'Ann', email });
    const remoteId = desk.system.plant({ name: 'Ann', email });
    desk.system.fail('findAlike', { failure: failureOf('unavailable'), when: 'before' });
    await desk.settle(id);
    await desk.hint(id);
    await desk.settle(id);
    await expectOnePair(desk, id, remoteId);
  });

  test('deleted here before anything was agreed: that was not about the object, which becomes a record of its own', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const id = await desk.insert({ name: 'Ann', email });
    const remoteId = desk.system.plant({ name: 'Ann', email });
    const held = await desk.open(id);
    expect(await desk.activities.examine(held)).toMatchObject({ next: 'again' });
    await desk.remove(id);
    await desk.rest();
    expect(desk.system.living().map(([one]) => one)).toEqual([remoteId]);
    expect(desk.system.writes()).toEqual([]);
  });
});

describe('who cannot be told is not linked, but marked as a possible duplicate', () => {
  test.each(['records', 'objects'])('two rows with one e-mail, the %s first', async (first) => {
    const desk = await openDesk();
    const email = freshMail();
    const ids = [await desk.insert({ name: 'Ann', email }), await desk.insert({ name: 'Anna', email })];
    const remoteId = desk.system.plant({ name: 'Anne', email });
    if (first === 'objects') await desk.settle(await desk.born(remoteId));
    else for (const id of ids) await desk.settle(id);
    await desk.born(remoteId);
    await desk.rest();
    await expectMarked(desk, email, 3);
  });

  test.each(['record', 'objects'])('two objects with one e-mail, the %s first', async (first) => {
    const desk = await openDesk();
    const email = freshMail();
    const id = await desk.insert({ name: 'Ann', email });
    const objects = [1, 2].map(() => desk.system.plant({ name: 'Anne', email }));
    if (first === 'record') await desk.settle(id);
    for (const remoteId of objects) await desk.settle(await desk.born(remoteId));
    await desk.rest();
    await expectMarked(desk, email, 3);
    expect(objects).not.toContain((await desk.link(id)).remote_id);
  });

  test('a create was sent already, its answer is unknown: the record is never linked to another object', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const id = await desk.insert({ name: 'Ann', email });
    desk.system.fail('create', { failure: failureOf('unavailable'), when: 'after' });
    await desk.settle(id);
    const mine = desk.system.living()[0]![0];
    const other = desk.system.plant({ name: 'Ann', email });
    await desk.settle(await desk.born(other));
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', remote_id: mine });
    expect(created(desk.system)).toBeGreaterThan(0);
    await expectMarked(desk, email, 2);
  });

  test('an object with the mark of another record is nobody’s', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const owner = await desk.synced({ name: 'Anna', email: freshMail() });
    desk.system.plant({ name: 'Anne', email }, desk.mark(owner.id));
    const id = await desk.insert({ name: 'Ann', email });
    await desk.settle(id);
    expect(created(desk.system)).toBe(1);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', possible_duplicate: false });
  });
});

describe('nothing is asked', () => {
  const questions = ({ system }: Desk): number =>
    system.calls.filter(({ operation }) => operation === 'findAlike').length;

  test('for a record made after the two have met: it is created with one call', async () => {
    const desk = await openDesk();
    await met(desk);
    const id = await desk.insert({ name: 'Ann', email: freshMail() });
    await desk.settle(id);
    await desk.database.query('delete from counterpart.sweeps');
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync' });
    expect(desk.system.calls.map(({ operation }) => operation)).toEqual(['create']);
  });

  test('for a record without an e-mail, and for an object whose e-mail nobody has here', async () => {
    const desk = await openDesk();
    await desk.settle(await desk.insert({ name: 'Ann', email: null }));
    await desk.settle(await desk.born(desk.system.plant({ name: 'Ann', email: freshMail() })));
    expect(questions(desk)).toBe(0);
    expect(created(desk.system)).toBe(1);
  });

  test('and a system that does not know the question holds nobody up', async () => {
    const desk = await openDesk();
    const id = await desk.insert({ name: 'Ann', email: freshMail() });
    desk.system.fail('findAlike', { failure: failureOf('rejected', { status: 400 }), when: 'before' });
    await desk.settle(id);
    expect(questions(desk)).toBe(1);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', possible_duplicate: false });
  });
});
