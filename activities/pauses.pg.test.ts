import { desks, freshMail, STRIPE } from './desk-for-tests';

const openDesk = desks();
const fields = () => ({ name: 'Ann', email: freshMail() });
const KILL_SWITCH = { code: 'paused', detail: null } as const;

describe('the kill switch', () => {
  test('holds for an attempt that is already under way: what was written down is not sent', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    const open = await desk.open(id);
    expect(await desk.activities.examine(open)).toMatchObject({ next: 'send' });
    await desk.store.connections.pause(STRIPE, KILL_SWITCH);
    expect(await desk.activities.send(open)).toMatchObject({ next: 'paused' });
    expect(desk.system.writes()).toEqual([]);
    await desk.store.connections.resume(STRIPE);
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
  });

  test('I14: a resume in the middle of a look forgets nobody: its row is due at once', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    await desk.store.connections.pause(STRIPE, KILL_SWITCH);
    const opened = await desk.activities.openLook({ catalog: 'customer', recordId: id });
    if (opened.kind !== 'open') throw new Error('A hint was there');
    expect(opened.paused).toEqual([STRIPE]);
    await desk.store.connections.resume(STRIPE);
    await desk.store.queue.releaseWaiting(STRIPE);
    await desk.activities.closeLook({
      catalog: 'customer',
      recordId: id,
      seq: opened.seq,
      unfinished: [],
      paused: opened.paused,
      direction: null,
    });
    expect(await desk.store.queue.msUntilDue()).toBe(0);
  });
});

describe('an intent that was written and never sent', () => {
  test('is taken back when what stands has changed: a customer restored before its deletion was sent stays there', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    const row = await desk.row(id);
    await desk.remove(id);
    expect(await desk.activities.examine(await desk.open(id))).toMatchObject({ next: 'send' });
    await desk.insert(row ?? {}, id);
    await desk.settle(id);
    expect(desk.system.living().map(([living]) => living)).toEqual([remoteId]);
    expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync', generation: 1 });
  });
});

describe('I5: an object born there', () => {
  test('that was recognised as a record deleted here before the look becomes a record of its own', async () => {
    const desk = await openDesk();
    const mail = freshMail();
    const here = await desk.insert({ name: 'Here', email: mail });
    const remoteId = desk.system.plant({ name: 'There', email: mail });
    const reserved = await desk.born(remoteId);
    await desk.settle(reserved);
    await desk.remove(here);
    await desk.settle(here);
    expect(desk.system.living().map(([living]) => living)).toEqual([remoteId]);
    const { rows } = await desk.database.query<{ record_id: string }>(
      'select record_id from counterpart.links where remote_id = $1',
      [remoteId],
    );
    expect(rows[0]?.record_id).not.toBe(here);
  });
});
