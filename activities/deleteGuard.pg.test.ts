/** A burst of deletions is held, in either direction, until a person says that it is meant. */
import { failureOf } from '../src/connectors/memory';
import type { DeleteGuard } from '../src/core/deleteGuard';
import type { RecordId } from '../src/core/ids';
import { freshMail, desks, CUSTOMER, STRIPE } from './desk-for-tests';
import type { Desk, DeskOptions } from './desk-for-tests';

const newDesk = desks();

const GUARD: DeleteGuard = { count: 3, percent: 0, windowMs: 600_000 };

/** The guard counts what is linked and what was held: so nothing of an earlier story may stand. */
async function openDesk(options: DeskOptions): Promise<Desk> {
  const desk = await newDesk(options);
  await desk.database.query('delete from counterpart.delete_passes');
  await desk.database.query('delete from counterpart.links');
  return desk;
}

async function standing(desk: Desk, count: number): Promise<RecordId[]> {
  const made: RecordId[] = [];
  for (let i = 0; i < count; i += 1) made.push((await desk.synced({ name: 'Ann', email: freshMail() })).id);
  return made;
}

async function deleteHere(desk: Desk, ids: readonly RecordId[]): Promise<void> {
  await desk.database.query('delete from counterpart.customers where id = any($1)', [ids]);
}

async function outcomes(desk: Desk, ids: readonly RecordId[]): Promise<string[]> {
  const links = await Promise.all(ids.map((id) => desk.link(id)));
  return links
    .map(({ outcome, reason }) => (reason === null ? outcome : `${outcome} ${reason.code}`))
    .toSorted();
}

/** The window of everything the guard has counted is over. */
async function windowPasses(desk: Desk): Promise<void> {
  await desk.database.query(`update counterpart.delete_passes set passed_at = passed_at - interval '1 hour'`);
  await desk.database.query(
    `update counterpart.delete_guards set tripped_at = tripped_at - interval '1 hour'`,
  );
}

const HELD = ['parked delete_burst', 'parked delete_burst'];

describe('deletions that go out', () => {
  test('the first ones pass, the others are held and say why; edits and creations go on', async () => {
    const desk = await openDesk({ deleteGuard: GUARD });
    const ids = await standing(desk, 6);
    await deleteHere(desk, ids.slice(0, 5));
    await desk.rest();
    expect(await outcomes(desk, ids.slice(0, 5))).toEqual(['deleted', 'deleted', 'deleted', ...HELD]);
    expect(desk.system.living()).toHaveLength(3);
    await desk.update(ids[5]!, { name: 'Edited' });
    const born = await desk.insert({ name: 'Born', email: freshMail() });
    await desk.rest();
    expect(await outcomes(desk, [ids[5]!, born])).toEqual(['in_sync', 'in_sync']);
    expect(await desk.store.deletes.listTripped()).toMatchObject([
      { connection: 'stripe', direction: 'out', held: 2 },
    ]);
  });

  test('what is held stays held, however often it is looked at, and however long', async () => {
    const desk = await openDesk({ deleteGuard: GUARD });
    const ids = await standing(desk, 5);
    await deleteHere(desk, ids);
    await desk.rest();
    await windowPasses(desk);
    for (const id of ids) await desk.hint(id);
    await desk.rest();
    expect(desk.system.living()).toHaveLength(2);
    expect(await desk.store.deletes.listTripped()).toMatchObject([{ held: 2 }]);
  });

  test('allowed: what was held goes, and what stood in the queue; later ones are guarded anew', async () => {
    const desk = await openDesk({ deleteGuard: GUARD });
    const ids = await standing(desk, 14);
    await deleteHere(desk, ids.slice(0, 5));
    await desk.rest();
    await deleteHere(desk, ids.slice(5, 10));
    expect(await desk.store.deletes.allowDeletions(STRIPE)).toBe(2);
    await desk.rest();
    expect(desk.system.living()).toHaveLength(4);
    expect(await desk.store.deletes.listTripped()).toEqual([]);
    await deleteHere(desk, ids.slice(10));
    await desk.rest();
    expect(desk.system.living()).toHaveLength(1);
    expect(await desk.store.deletes.listTripped()).toMatchObject([{ held: 1 }]);
  });

  test('its object cannot be read once: it is held all the same when the window is over', async () => {
    const desk = await openDesk({ deleteGuard: GUARD });
    const ids = await standing(desk, 4);
    await deleteHere(desk, ids);
    await desk.rest();
    const held = (await Promise.all(ids.map((id) => desk.link(id)))).findIndex((l) => l.outcome === 'parked');
    desk.system.fail('read', { failure: failureOf('unavailable'), when: 'before' });
    await desk.hint(ids[held]!);
    expect((await desk.settle(ids[held]!)).trouble).toHaveLength(1);
    expect(await desk.link(ids[held]!)).toMatchObject({ outcome: 'waiting' });
    expect(await desk.store.deletes.listTripped()).toMatchObject([{ held: 1 }]);
    await windowPasses(desk);
    await desk.settle(ids[held]!);
    expect(await outcomes(desk, [ids[held]!])).toEqual(['parked delete_burst']);
    expect(desk.system.living()).toHaveLength(1);
  });

  test('I6: restored while it is held: no deletion is sent at all, and the next one counts anew', async () => {
    const desk = await openDesk({ deleteGuard: GUARD });
    const ids = await standing(desk, 5);
    await deleteHere(desk, ids);
    await desk.rest();
    const held: RecordId[] = [];
    for (const id of ids) if ((await desk.link(id)).outcome === 'parked') held.push(id);
    const removals = desk.system.calls.filter(({ operation }) => operation === 'remove').length;
    for (const id of held) await desk.insert({ name: 'Ann', email: freshMail() }, id);
    await desk.rest();
    expect(await outcomes(desk, held)).toEqual(['in_sync', 'in_sync']);
    expect(desk.system.calls.filter(({ operation }) => operation === 'remove')).toHaveLength(removals);
    // the guard is armed again by itself once its window is over and nothing is held
    await windowPasses(desk);
    await deleteHere(desk, held);
    await desk.rest();
    expect(desk.system.living()).toEqual([]);
    expect(await desk.store.deletes.listTripped()).toEqual([]);
  });

  test('deleted again after it was allowed and restored: that is a deletion of its own, and counted', async () => {
    const desk = await openDesk({ deleteGuard: GUARD });
    const ids = await standing(desk, 4);
    await deleteHere(desk, ids);
    await desk.rest();
    const held = (await Promise.all(ids.map((id) => desk.link(id)))).findIndex((l) => l.outcome === 'parked');
    const id = ids[held]!;
    await desk.store.deletes.allowDeletions(STRIPE);
    await desk.insert({ name: 'Ann', email: freshMail() }, id);
    await desk.rest();
    await deleteHere(desk, [...(await standing(desk, 3)), id]);
    await desk.rest();
    expect(desk.system.living()).toHaveLength(1);
  });

  test('the window is over: as many may pass again', async () => {
    const desk = await openDesk({ deleteGuard: GUARD });
    const ids = await standing(desk, 6);
    await deleteHere(desk, ids.slice(0, 3));
    await desk.rest();
    await windowPasses(desk);
    await deleteHere(desk, ids.slice(3));
    await desk.rest();
    expect(desk.system.living()).toEqual([]);
  });

  test('a share of many records is more than the number: it counts instead', async () => {
    const desk = await openDesk({ deleteGuard: { ...GUARD, count: 1, percent: 50 } });
    const ids = await standing(desk, 8);
    await deleteHere(desk, ids.slice(0, 6));
    await desk.rest();
    expect(desk.system.living()).toHaveLength(4);
  });

  test('a policy that only unties deletes nothing there, so nothing is held', async () => {
    const desk = await openDesk({ deleteGuard: { ...GUARD, count: 0 }, onDelete: 'detach' });
    const ids = await standing(desk, 2);
    await deleteHere(desk, ids);
    await desk.rest();
    expect(await outcomes(desk, ids)).toEqual(['deleted', 'deleted']);
    expect(desk.system.living()).toHaveLength(2);
  });
});

describe('deletions that come in', () => {
  async function eraseThere(desk: Desk, ids: readonly RecordId[]): Promise<void> {
    for (const id of ids) {
      const { remote_id: remoteId } = await desk.link(id);
      desk.system.erase(remoteId as never);
    }
    await desk.hear(desk.system);
  }

  async function rowsOf(desk: Desk, ids: readonly RecordId[]): Promise<number> {
    const { rowCount } = await desk.database.query('select from counterpart.customers where id = any($1)', [
      ids,
    ]);
    return rowCount ?? 0;
  }

  test('a script deletes them there: the first ones go here, the others stay until they are allowed', async () => {
    const desk = await openDesk({ deleteGuard: GUARD });
    const ids = await standing(desk, 8);
    await eraseThere(desk, ids.slice(0, 5));
    await desk.rest();
    expect(await rowsOf(desk, ids)).toBe(5);
    expect(await desk.store.deletes.listTripped()).toMatchObject([{ direction: 'in', held: 2 }]);
    // heard of, and not looked at yet
    await eraseThere(desk, ids.slice(5));
    expect(await desk.store.deletes.allowDeletions(STRIPE)).toBe(2);
    await desk.rest();
    expect(await rowsOf(desk, ids)).toBe(0);
  });

  test('I6 and failure 28: an edit here while it is held is kept as lost when the deletion is allowed', async () => {
    const desk = await openDesk({ deleteGuard: { ...GUARD, count: 0 } });
    const [id] = await standing(desk, 1);
    await eraseThere(desk, [id!]);
    await desk.update(id!, { name: 'Edited meanwhile' });
    await desk.rest();
    expect(await outcomes(desk, [id!])).toEqual(['parked delete_burst']);
    await desk.store.deletes.allowDeletions(STRIPE);
    await desk.rest();
    expect(await desk.row(id!)).toBeNull();
    expect(await desk.lost(id!)).toMatchObject([{ ours: 'Edited meanwhile', cause: 'edit_and_delete' }]);
  });

  test('kept by a person: it stays here and is made anew there, once', async () => {
    const desk = await openDesk({ deleteGuard: { ...GUARD, count: 0 } });
    const [id, other] = await standing(desk, 2);
    await eraseThere(desk, [id!, other!]);
    await desk.rest();
    expect(desk.system.living()).toEqual([]);
    expect(await desk.store.deletes.keepRecord(CUSTOMER, id!)).toBe(true);
    await desk.store.queue.enqueue(CUSTOMER, [id!], 'operator');
    await desk.store.deletes.allowDeletions(STRIPE);
    await desk.rest();
    expect(await desk.link(id!)).toMatchObject({ generation: 2, outcome: 'in_sync' });
    expect(desk.system.living()).toHaveLength(1);
    expect(await desk.row(other!)).toBeNull();
    expect(await desk.store.deletes.keepRecord(CUSTOMER, id!)).toBe(false);
  });

  test.each([
    ['a guard', GUARD],
    ['no guard', null],
  ])(
    'heard of and not looked at yet, with %s: a person who keeps the record keeps it',
    async (_, deleteGuard) => {
      const desk = await openDesk({ deleteGuard });
      const [id] = await standing(desk, 1);
      await eraseThere(desk, [id!]);
      expect(await desk.store.deletes.keepRecord(CUSTOMER, id!)).toBe(true);
      await desk.rest();
      expect(await desk.row(id!)).toMatchObject({ name: 'Ann' });
      expect(await desk.link(id!)).toMatchObject({ generation: 2, outcome: 'in_sync' });
      expect(desk.system.living()).toHaveLength(1);
    },
  );

  test('both directions have a guard of their own', async () => {
    const desk = await openDesk({ deleteGuard: { ...GUARD, count: 1 } });
    const ids = await standing(desk, 4);
    await deleteHere(desk, ids.slice(0, 2));
    await eraseThere(desk, ids.slice(2));
    await desk.rest();
    expect(await desk.store.deletes.listTripped()).toMatchObject([
      { direction: 'out', held: 1 },
      { direction: 'in', held: 1 },
    ]);
  });
});

test('several workers at the bound: never more than the number passes, and the look of each one ends', async () => {
  const desk = await openDesk({ deleteGuard: { ...GUARD, count: 5 } });
  const ids = await standing(desk, 24);
  await deleteHere(desk, ids);
  await Promise.all(ids.map((id) => desk.settle(id)));
  await desk.rest();
  const found = await outcomes(desk, ids);
  expect(found.filter((outcome) => outcome === 'deleted')).toHaveLength(5);
  expect(found.filter((outcome) => outcome === 'parked delete_burst')).toHaveLength(19);
  expect(desk.system.living()).toHaveLength(19);
});

test('a worker is killed between letting a deletion pass and sending it: it is counted once', async () => {
  const desk = await openDesk({ deleteGuard: { ...GUARD, count: 2 } });
  const ids = await standing(desk, 3);
  await deleteHere(desk, ids);
  for (let i = 0; i < 3; i += 1) {
    const link = await desk.open(ids[0]!);
    expect(await desk.activities.examine(link)).toMatchObject({ next: 'send' });
  }
  await desk.rest();
  expect(await outcomes(desk, ids)).toEqual(['deleted', 'deleted', 'parked delete_burst']);
});
