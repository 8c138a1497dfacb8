import { CRM, desks, freshMail, newSystem } from './desk-for-tests';
import { failureOf } from '../src/connectors/memory';
import type { Store } from '../src/store/store';

const openDesk = desks();
const fields = () => ({ name: 'Ann', email: freshMail() });

describe('failure 53: a change during the call of the previous one', () => {
  test('[!] the row moves on while its creation is on the way: both values arrive in order and nothing is a conflict', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.during('create', () => desk.update(id, { name: 'Anna' }));
    await desk.settle(id);
    expect(desk.system.living()).toMatchObject([[expect.anything(), { fields: { name: 'Anna' } }]]);
    expect(desk.system.writes()).toMatchObject([
      { operation: 'create', values: { name: 'Ann' } },
      { operation: 'update', values: { name: 'Anna' } },
    ]);
    expect(await desk.lost(id)).toEqual([]);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', agreed_version: 2 });
  });

  test('[!] failure 32: A, B and back to A while B is on its way: A stands on both sides', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.update(id, { name: 'Anna' });
    desk.system.during('update', () => desk.update(id, { name: 'Ann' }));
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: 'Ann' });
    expect(desk.system.object(remoteId).fields).toMatchObject({ name: 'Ann' });
    expect(await desk.lost(id)).toEqual([]);
  });

  test('[!] one field is sent while another is edited: the other is not hidden by an agreed version', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    const email = freshMail();
    await desk.update(id, { name: 'Anna' });
    desk.system.during('update', () => desk.update(id, { email }));
    const open = await desk.open(id);
    await desk.activities.examine(open);
    expect(await desk.activities.send(open)).toMatchObject({ next: 'examine' });
    expect(await desk.link(id)).toMatchObject({ agreed_version: 1 });
    await desk.settle(id);
    expect(desk.system.object(remoteId).fields).toEqual({ name: 'Anna', email });
  });

  test('somebody edits another field there while ours is on its way: it comes here', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    const email = freshMail();
    await desk.update(id, { name: 'Anna' });
    desk.system.during('read', () => desk.system.edit(remoteId, { email }));
    await desk.settle(id);
    expect(await desk.row(id)).toEqual({ name: 'Anna', email });
    expect(await desk.lost(id)).toEqual([]);
  });

  test('the row is edited while the other side is read: the decision is made on the row as it is then', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.hint(id);
    desk.system.edit(remoteId, { name: 'Anne' });
    desk.system.during('read', () => desk.update(id, { name: 'Anna' }));
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: 'Anna' });
    expect(await desk.lost(id)).toMatchObject([
      { field: 'name', ours: 'Anna', theirs: 'Anne', winner: 'local' },
    ]);
  });
});

describe('failures 12 and 54: an attempt that stalls past its retry', () => {
  test('[!] an examine that wakes with old readings after its retry writes nothing', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    desk.system.edit(remoteId, { name: 'Anne' });
    await desk.hint(id);
    const open = await desk.open(id);
    const held = desk.system.hold('read');
    const stalled = desk.activities.examine(open);
    await held.arrived;
    desk.system.edit(remoteId, { name: 'Annika' });
    await desk.activities.examine(open);
    const settled = await desk.link(id);
    held.release();
    expect(await stalled).toMatchObject({ next: 'stale' });
    expect(await desk.link(id)).toEqual(settled);
    expect(await desk.row(id)).toMatchObject({ name: 'Annika' });
  });

  test('[!] an examine that wakes after a whole newer look writes nothing and parks nothing', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.hint(id);
    const open = await desk.open(id);
    desk.system.hide(remoteId);
    const held = desk.system.hold('identify');
    const stalled = desk.activities.examine(open);
    await held.arrived;
    desk.system.show(remoteId);
    await desk.hint(id);
    await desk.settle(id);
    held.release();
    expect(await stalled).toMatchObject({ next: 'stale' });
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
  });

  test('a send that wakes after its retry folds nothing: the intent ended once, and one customer stands', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    const open = await desk.open(id);
    await desk.activities.examine(open);
    const held = desk.system.hold('create');
    const stalled = desk.activities.send(open);
    await held.arrived;
    expect(await desk.activities.send(open)).toMatchObject({ next: 'done' });
    const settled = await desk.link(id);
    held.release();
    expect(await stalled).toMatchObject({ next: 'stale' });
    expect(await desk.link(id)).toEqual(settled);
    expect(desk.system.living()).toHaveLength(1);
  });

  test('an old look finds its link in newer hands: it reads and sends nothing', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    const old = await desk.open(id);
    await desk.activities.examine(old);
    await desk.open(id);
    desk.system.calls.length = 0;
    expect(await desk.activities.examine(old)).toMatchObject({ next: 'stale' });
    expect(await desk.activities.send(old)).toMatchObject({ next: 'stale' });
    expect(await desk.activities.trace(old)).toMatchObject({ next: 'stale' });
    expect(desk.system.calls).toEqual([]);
  });

  test('[!] a look that ends late does not take away the hint that came after it began', async () => {
    const desk = await openDesk();
    const { id } = await desk.synced(fields());
    await desk.update(id, { name: 'Anna' });
    const opened = await desk.activities.openLook({ catalog: 'customer', recordId: id });
    await desk.settle(id);
    await desk.update(id, { name: 'Anne' });
    const seq = opened.kind === 'open' ? opened.seq : -1;
    const late = { catalog: 'customer', recordId: id, seq, unfinished: [], paused: [], direction: null };
    expect(await desk.activities.closeLook(late)).toBe('newer');
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: 'Anne' });
    expect(await desk.look(id)).toMatchObject({ kind: 'nothing' });
  });
});

describe('several systems', () => {
  const open2 = async () => {
    const second = newSystem(CRM);
    return { second, desk: await openDesk({ others: [second] }) };
  };

  test('born here: it is created in both', async () => {
    const { desk, second } = await open2();
    const before = fields();
    await desk.synced(before);
    expect(second.living()).toMatchObject([[expect.anything(), { fields: before }]]);
  });

  test('edited in one: it reaches the other in the next look', async () => {
    const { desk, second } = await open2();
    const { id, remoteId } = await desk.synced(fields());
    desk.system.edit(remoteId, { name: 'Anne' });
    await desk.hint(id);
    await desk.settle(id);
    expect(second.living()).toMatchObject([[expect.anything(), { fields: { name: 'Anne' } }]]);
    expect(await desk.look(id)).toMatchObject({ kind: 'nothing' });
  });

  test('I15 and failure 64: one is down: the other is brought in sync, and the row waits for the one', async () => {
    const { desk, second } = await open2();
    const { id, remoteId } = await desk.synced(fields());
    await desk.update(id, { name: 'Anna' });
    second.fail('read', { failure: failureOf('unavailable'), when: 'before' });
    expect(await desk.settle(id)).toMatchObject({ kind: 'done', trouble: [{ type: 'RemoteTrouble' }] });
    expect(desk.system.object(remoteId).fields).toMatchObject({ name: 'Anna' });
    const { rows } = await desk.database.query(
      'select waiting_on from counterpart.work_queue where record_id = $1',
      [id],
    );
    expect(rows).toEqual([{ waiting_on: ['crm'] }]);
    await desk.settle(id);
    expect(second.living()).toMatchObject([[expect.anything(), { fields: { name: 'Anna' } }]]);
  });

  test('deleted in one: it is deleted in the other', async () => {
    const { desk, second } = await open2();
    const { id, remoteId } = await desk.synced(fields());
    desk.system.erase(remoteId);
    await desk.hint(id);
    await desk.settle(id);
    expect(second.living()).toEqual([]);
  });
});

test('I6: an attempt ends the link and its answer is lost; the record is restored before the attempt is repeated: the restore stands', async () => {
  const desk = await openDesk();
  const { id, remoteId } = await desk.synced(fields());
  desk.system.erase(remoteId);
  await desk.hint(id);
  const open = await desk.open(id);
  expect(await desk.activities.examine(open)).toMatchObject({ next: 'done' });
  expect(await desk.row(id)).toBeNull();
  await desk.insert(fields(), id);
  expect(await desk.activities.examine(open)).toMatchObject({ next: 'again' });
  await desk.rest();
  expect(await desk.row(id)).not.toBeNull();
  expect(desk.system.living()).toHaveLength(1);
});

test.each([
  ['deleted here once', 'as it was', {}],
  ['deleted here once', 'edited', { name: 'Anna' }],
  ['deleted here for the second time', 'as it was', {}],
])(
  'I6, failure 54: %s; a look has read it and is kept; deleted there, then restored here %s: the restore stands',
  async (times, _, edited) => {
    const desk = await openDesk();
    const old = fields();
    const { id, remoteId } = await desk.synced(old);
    await desk.remove(id);
    if (times === 'deleted here for the second time') {
      await desk.insert(old, id);
      await desk.remove(id);
    }
    const open = await desk.open(id);
    const held = desk.system.hold('read');
    const kept = desk.activities.examine(open);
    await held.arrived;
    desk.system.erase(remoteId);
    await desk.insert({ ...old, ...edited }, id);
    held.release();
    expect(await kept).toMatchObject({ next: 'stale' });
    await desk.rest();
    await desk.hear(desk.system);
    await desk.rest();
    expect(await desk.row(id)).toEqual({ ...old, ...edited });
    expect(desk.system.living()).toMatchObject([[expect.anything(), { fields: { ...old, ...edited } }]]);
    expect(await desk.links(id)).toMatchObject([{ state: 'retired' }, { generation: 2, outcome: 'in_sync' }]);
  },
);

test('I6, failure 54: recognised by its e-mail, read and kept; deleted on both sides, then restored here: the restore stands', async () => {
  const desk = await openDesk();
  const old = fields();
  const id = await desk.insert(old);
  const remoteId = desk.system.plant(old);
  await desk.settle(await desk.born(remoteId));
  const open = await desk.open(id);
  const held = desk.system.hold('read');
  const kept = desk.activities.examine(open);
  await held.arrived;
  await desk.remove(id);
  desk.system.erase(remoteId);
  await desk.insert(old, id);
  held.release();
  expect(await kept).toMatchObject({ next: 'stale' });
  await desk.rest();
  expect(await desk.row(id)).toEqual(old);
  expect(desk.system.living()).toHaveLength(1);
});

test.each(['deleted', 'deleted, and that is answered by another look'])(
  'I14: a look is kept while it opens, and the record is %s meanwhile: no link is left behind',
  async (fate) => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    let meanwhile = async (): Promise<void> => {
      await desk.remove(id);
      if (fate !== 'deleted') await desk.settle(id);
    };
    const store: Store = {
      ...desk.store,
      transactUnflushed: (work) =>
        desk.store.transactUnflushed((tx) => {
          const newestOfRecord: typeof tx.links.newestOfRecord = async (...asked) => {
            const newest = await tx.links.newestOfRecord(...asked);
            await meanwhile();
            meanwhile = () => Promise.resolve();
            return newest;
          };
          return work({ ...tx, links: { ...tx.links, newestOfRecord } });
        }),
    };
    const kept = await desk.activitiesOver(store).openLook({ catalog: 'customer', recordId: id });
    expect(kept).toMatchObject({ kind: 'open', links: [] });
    await desk.rest();
    expect(await desk.links(id)).toEqual([]);
    expect(desk.system.calls).toEqual([]);
  },
);
