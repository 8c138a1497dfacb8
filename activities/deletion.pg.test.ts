import { CUSTOMER, desks, freshMail } from './desk-for-tests';
import { failureOf } from '../src/connectors/memory';

const openDesk = desks();
const fields = () => ({ name: 'Ann', email: freshMail() });
const lostOnTheWay = failureOf('unavailable', { code: 'ETIMEDOUT' });

describe('deletions', () => {
  test('deleted here: it is deleted there, and its id is retired', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.remove(id);
    await desk.settle(id);
    expect(desk.system.object(remoteId).state).toBe('deleted');
    expect(await desk.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted', remote_id: remoteId });
  });

  test('deleted there by its own word: it is deleted here and leaves a tombstone', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    desk.system.erase(remoteId);
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.row(id)).toBeNull();
    expect(await desk.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted' });
    expect(desk.system.writes()).toEqual([]);
    expect(await desk.look(id)).toMatchObject({ kind: 'nothing' });
  });

  test('failure 28: deleted there while it was edited here: the deletion wins and the edit is kept', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.update(id, { name: 'Anna' });
    desk.system.erase(remoteId);
    await desk.settle(id);
    expect(await desk.row(id)).toBeNull();
    expect(await desk.lost(id)).toMatchObject([
      { field: 'name', ours: 'Anna', theirs: 'Ann', winner: 'deletion' },
    ]);
  });

  test('failure 28: deleted here while it was edited there: the deletion wins and the edit is kept', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    desk.system.edit(remoteId, { name: 'Anne' });
    await desk.remove(id);
    await desk.settle(id);
    expect(desk.system.object(remoteId).state).toBe('deleted');
    expect(await desk.lost(id)).toMatchObject([
      { field: 'name', ours: 'Ann', theirs: 'Anne', winner: 'deletion' },
    ]);
  });

  test('failure 29: deleted on both sides: agreed without a write', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    desk.system.erase(remoteId);
    await desk.remove(id);
    await desk.settle(id);
    expect(desk.system.writes()).toEqual([]);
    expect(await desk.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted' });
  });

  test('deleted before it ever stood there: nothing is sent', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    await desk.remove(id);
    await desk.settle(id);
    expect(desk.system.calls).toEqual([]);
  });

  test('failure 60: deleted here while its creation was on the way: it is deleted there too', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.during('create', () => desk.remove(id));
    await desk.settle(id);
    expect(desk.system.living()).toEqual([]);
    expect(await desk.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted' });
  });

  test('failure 60: the create is ambiguous, then the record is deleted here: one object was made and it is gone', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    await desk.remove(id);
    await desk.settle(id);
    expect(desk.system.living()).toEqual([]);
    expect(desk.system.writes().filter((call) => call.applied)).toMatchObject([
      { operation: 'create' },
      { operation: 'remove' },
    ]);
  });

  test('the answer to our DELETE is lost: asked again, finding nothing is its success', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.remove(id);
    desk.system.fail('remove', { failure: lostOnTheWay, when: 'after' });
    expect((await desk.settle(id)).trouble).toHaveLength(1);
    expect(await desk.link(id)).toMatchObject({ state: 'deleting', outcome: 'waiting' });
    await desk.settle(id);
    expect(desk.system.object(remoteId).state).toBe('deleted');
    expect(await desk.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted', reason: null });
  });

  test('I3: our DELETE did not come through and its object was edited there: it is read again, and the edit is kept, once', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    desk.system.edit(remoteId, { name: 'Ann before' });
    await desk.remove(id);
    desk.system.fail('remove', { failure: lostOnTheWay, when: 'before' });
    desk.system.fail('remove', { failure: lostOnTheWay, when: 'before' });
    await desk.settle(id);
    const email = freshMail();
    desk.system.edit(remoteId, { email });
    await desk.settle(id);
    await desk.settle(id);
    expect(desk.system.object(remoteId).state).toBe('deleted');
    expect(await desk.lost(id)).toMatchObject([
      { field: 'name', theirs: 'Ann before', winner: 'deletion' },
      { field: 'email', theirs: email, winner: 'deletion' },
    ]);
  });

  test('our DELETE did not come through, and somebody there deleted it since: nothing is sent any more', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.remove(id);
    desk.system.fail('remove', { failure: lostOnTheWay, when: 'before' });
    await desk.settle(id);
    desk.system.erase(remoteId);
    await desk.settle(id);
    expect(desk.system.writes()).toHaveLength(1);
    expect(await desk.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted' });
  });

  test('[!] our DELETE finds nothing on another account: the connection pauses and the deletion stays due', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.remove(id);
    desk.system.during('read', () => {
      desk.system.hide(remoteId);
      desk.system.identity = { ...desk.system.identity, account: 'acct_2' };
    });
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ state: 'deleting', outcome: 'paused' });
  });
});

describe('I6: restored', () => {
  test('after the deletion went out: a new generation with a new object; the old id stays retired', async () => {
    const desk = await openDesk();
    const before = fields();
    const { id, remoteId } = await desk.synced(before);
    await desk.remove(id);
    await desk.settle(id);
    await desk.insert(before, id);
    await desk.settle(id);
    const links = await desk.links(id);
    expect(links).toMatchObject([
      { generation: 1, state: 'retired', remote_id: remoteId },
      { generation: 2, state: 'linked', outcome: 'in_sync' },
    ]);
    expect(links[1]!.remote_id).not.toBe(remoteId);
    expect(desk.system.living()).toHaveLength(1);
  });

  test('before the deletion was sent: the object there goes on', async () => {
    const desk = await openDesk();
    const before = fields();
    const { id, remoteId } = await desk.synced(before);
    await desk.remove(id);
    await desk.insert(before, id);
    await desk.settle(id);
    expect(desk.system.writes()).toEqual([]);
    expect(await desk.link(id)).toMatchObject({ generation: 1, state: 'linked', remote_id: remoteId });
  });

  test('failure 60: while its DELETE is ambiguous: the deletion is finished first, then it is created anew', async () => {
    const desk = await openDesk();
    const before = fields();
    const { id, remoteId } = await desk.synced(before);
    await desk.remove(id);
    desk.system.fail('remove', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    await desk.insert({ ...before, name: 'Anna' }, id);
    await desk.settle(id);
    expect(desk.system.object(remoteId).state).toBe('deleted');
    expect(desk.system.living()).toMatchObject([[expect.anything(), { fields: { name: 'Anna' } }]]);
    expect(await desk.links(id)).toMatchObject([{ state: 'retired' }, { generation: 2, outcome: 'in_sync' }]);
  });

  test('I14: its new creation is ambiguous: the object of the earlier generation is not taken for what it made', async () => {
    const desk = await openDesk();
    const before = fields();
    const { id, remoteId } = await desk.synced(before);
    await desk.remove(id);
    await desk.settle(id);
    await desk.insert(before, id);
    desk.system.fail('create', { failure: lostOnTheWay, when: 'before', stored: true });
    await desk.settle(id);
    await desk.settle(id);
    await desk.hoursPass(id, 1);
    await desk.settle(id);
    const link = await desk.link(id);
    expect(link).toMatchObject({ generation: 2, state: 'linked', outcome: 'in_sync' });
    expect(link.remote_id).not.toBe(remoteId);
    expect(desk.system.living()).toHaveLength(1);
  });

  test('while the DELETE is on its way: a new generation begins at once', async () => {
    const desk = await openDesk();
    const before = fields();
    const { id } = await desk.synced(before);
    await desk.remove(id);
    desk.system.during('remove', async () => void (await desk.insert(before, id)));
    await desk.settle(id);
    expect(await desk.links(id)).toMatchObject([{ state: 'retired' }, { generation: 2, outcome: 'in_sync' }]);
    expect(desk.system.living()).toHaveLength(1);
  });

  test('a tombstone is not revived by a late edit or deletion of its retired object', async () => {
    const desk = await openDesk();
    const { id } = await desk.synced(fields());
    await desk.remove(id);
    await desk.settle(id);
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.row(id)).toBeNull();
    expect(desk.system.living()).toEqual([]);
  });
});

describe('ON_DELETE=detach', () => {
  test('deleted here: the object there stays as it is', async () => {
    const desk = await openDesk({ onDelete: 'detach' });
    const { id, remoteId } = await desk.synced(fields());
    await desk.remove(id);
    await desk.settle(id);
    expect(desk.system.writes()).toEqual([]);
    expect(desk.system.object(remoteId).state).toBe('present');
    expect(await desk.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted', detached: true });
  });

  test('restored: the same object is taken up again, with what changed on both sides since', async () => {
    const desk = await openDesk({ onDelete: 'detach' });
    const before = fields();
    const { id, remoteId } = await desk.synced(before);
    await desk.remove(id);
    await desk.settle(id);
    const email = freshMail();
    desk.system.edit(remoteId, { email });
    await desk.insert({ ...before, name: 'Anna' }, id);
    await desk.settle(id);
    expect(await desk.links(id)).toMatchObject([
      { generation: 1, state: 'linked', outcome: 'in_sync', detached: false },
    ]);
    expect(await desk.row(id)).toEqual({ name: 'Anna', email });
    expect(desk.system.object(remoteId).fields).toEqual({ name: 'Anna', email });
  });

  test('restored after the cut-off object was deleted there: the restore stands, as a new generation', async () => {
    const desk = await openDesk({ onDelete: 'detach' });
    const before = fields();
    const { id, remoteId } = await desk.synced(before);
    await desk.remove(id);
    await desk.settle(id);
    desk.system.erase(remoteId);
    await desk.insert(before, id);
    await desk.settle(id);
    expect(await desk.row(id)).toEqual(before);
    expect(await desk.links(id)).toMatchObject([
      { generation: 1, state: 'retired', detached: false },
      { generation: 2, state: 'linked', outcome: 'in_sync' },
    ]);
  });

  test('restored, and deleted here again: it is only cut off again', async () => {
    const desk = await openDesk({ onDelete: 'detach' });
    const before = fields();
    const { id, remoteId } = await desk.synced(before);
    for (let round = 0; round < 2; round += 1) {
      await desk.remove(id);
      await desk.settle(id);
      await desk.insert(before, id);
      await desk.settle(id);
    }
    expect(await desk.links(id)).toMatchObject([
      { state: 'linked', remote_id: remoteId, outcome: 'in_sync' },
    ]);
    expect(desk.system.writes()).toEqual([]);
  });
});

test('I5, detach: recognised, never agreed, and the record is deleted here before the look: the object becomes a record of its own', async () => {
  const desk = await openDesk({ onDelete: 'detach' });
  const email = freshMail();
  const id = await desk.insert({ name: 'Ann', email });
  const remoteId = desk.system.plant({ name: 'Ann', email });
  await desk.settle(await desk.born(remoteId));
  await desk.remove(id);
  await desk.rest();
  const { rows } = await desk.database.query(
    `select l.state, l.detached, exists (select from counterpart.customers c where c.id = l.record_id) as stands
     from counterpart.links l where remote_id = $1`,
    [remoteId],
  );
  expect(rows).toEqual([{ state: 'linked', detached: false, stands: true }]);
});

test('I14: an attempt ended the link and its answer was lost: what the next attempt could not do says nothing of it', async () => {
  const desk = await openDesk({ onDelete: 'detach' });
  const { id } = await desk.synced({ name: 'Ann', email: freshMail() });
  await desk.remove(id);
  const opened = await desk.activities.openLook({ catalog: CUSTOMER, recordId: id });
  if (opened.kind !== 'open') throw new Error('Nothing waits');
  await desk.activities.examine(opened.links[0]!);
  await desk.activities.closeLook({
    catalog: CUSTOMER,
    recordId: id,
    seq: opened.seq,
    unfinished: [
      {
        ...opened.links[0]!,
        outcome: 'waiting',
        reason: { code: 'unavailable', field: null, detail: null },
      },
    ],
    paused: [],
    direction: null,
  });
  expect(await desk.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted', reason: null });
});

test.each(['heard of', 'not heard of'])(
  'I6, failure 29: deleted there, %s, then deleted and restored here before the next look: the restore is not undone',
  async (heard) => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced({ name: 'Ann', email: freshMail() });
    desk.system.erase(remoteId);
    if (heard === 'heard of') await desk.hear(desk.system);
    await desk.remove(id);
    await desk.insert({ name: 'Ann', email: freshMail() }, id);
    await desk.rest();
    expect(await desk.row(id)).not.toBeNull();
    expect(desk.system.living()).toHaveLength(1);
    await desk.hear(desk.system);
    await desk.rest();
    expect(await desk.row(id)).not.toBeNull();
  },
);

test.each(['later', 'at a time that is not surely later'])(
  'I6: restored here, and deleted there %s, told before the next look: the later word holds, and in doubt the restore',
  async (when) => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced({ name: 'Ann', email: freshMail() });
    await desk.remove(id);
    await desk.insert({ name: 'Ann', email: freshMail() }, id);
    const moved = when === 'later' ? '-1 hour' : '1 year';
    await desk.database.query(
      `update counterpart.timeline set at = at + $2::interval where record_id = $1 and detail ->> 'does' = 'restore'`,
      [id, moved],
    );
    desk.system.erase(remoteId);
    await desk.hear(desk.system);
    await desk.rest();
    const stands = when !== 'later';
    expect((await desk.row(id)) !== null).toBe(stands);
    expect(desk.system.living()).toHaveLength(stands ? 1 : 0);
  },
);
