import type { Store } from '../src/store/store';
import { desks, freshMail, STRIPE } from './desk-for-tests';

const openDesk = desks();
const fields = () => ({ name: 'Ann', email: freshMail() });
const KILL_SWITCH = { code: 'paused', detail: null } as const;

/** The store, with something that happens around the first transaction: the one that decides. */
function around(
  store: Store,
  { before, after }: { before?: () => Promise<void>; after?: () => Promise<void> },
) {
  let decided = false;
  const transact: Store['transact'] = async (work) => {
    if (decided) return store.transact(work);
    decided = true;
    await before?.();
    const result = await store.transact(work);
    await after?.();
    return result;
  };
  return { ...store, transact };
}

describe('an examination that sends what it has written', () => {
  test('does so under one fence: one call, and both sides agree', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    const open = await desk.open(id);
    const takeFence = jest.fn(desk.store.links.takeFence);
    const counted = { ...desk.store, links: { ...desk.store.links, takeFence } };
    expect(await desk.atOnceOver(counted).examine(open)).toMatchObject({ next: 'done', direction: 'out' });
    expect(takeFence).toHaveBeenCalledTimes(1);
    expect(desk.system.writes()).toHaveLength(1);
    expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync' });
  });

  test('sends nothing once the kill switch was thrown while it read', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    const open = await desk.open(id);
    const paused = around(desk.store, {
      before: async () => void (await desk.store.connections.pause(STRIPE, KILL_SWITCH)),
    });
    expect(await desk.atOnceOver(paused).examine(open)).toMatchObject({ next: 'paused' });
    expect(desk.system.writes()).toEqual([]);
    await desk.store.connections.resume(STRIPE);
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
  });

  test('sends nothing once a newer look has begun: that one decides anew', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    const open = await desk.open(id);
    const overtaken = around(desk.store, { after: async () => void (await desk.open(id)) });
    expect(await desk.atOnceOver(overtaken).examine(open)).toMatchObject({ next: 'stale' });
    expect(desk.system.writes()).toEqual([]);
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
  });

  test('I6: sends no deletion of a record that was restored since it was decided', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    const row = await desk.row(id);
    await desk.remove(id);
    const open = await desk.open(id);
    const restored = around(desk.store, { after: async () => void (await desk.insert(row ?? {}, id)) });
    expect(await desk.atOnceOver(restored).examine(open)).toMatchObject({ next: 'stale' });
    await desk.settle(id);
    expect(desk.system.living().map(([living]) => living)).toEqual([remoteId]);
    expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync', generation: 1 });
  });
});
