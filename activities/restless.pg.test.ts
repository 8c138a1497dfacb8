/** I14: a record whose looks come to no rest is seen by an operator, with a reason, and is parked in the end. */
import type { RecordId } from '../src/core/ids';
import { readSync } from '../src/store/syncState';
import { CRM, CUSTOMER, STRIPE, desks, freshMail, newSystem } from './desk-for-tests';
import type { Desk } from './desk-for-tests';

const openDesk = desks();
const reason = { code: 'restless', field: null, detail: null } as const;

/** A whole run of looks came to no rest at Stripe; its last look is closed as the workflow does. */
async function restlessRun(desk: Desk, recordId: RecordId, before?: () => Promise<void>): Promise<string> {
  const opened = await desk.activities.openLook({ catalog: CUSTOMER, recordId });
  if (opened.kind !== 'open') throw new Error('Nothing waits');
  await before?.();
  const links = opened.links.filter(({ connection }) => connection === STRIPE);
  return desk.activities.closeLook({
    catalog: CUSTOMER,
    recordId,
    seq: opened.seq,
    unfinished: links.map((link) => ({ ...link, outcome: 'waiting', reason })),
    paused: [],
    direction: null,
  });
}

const told = async (desk: Desk, id: RecordId) =>
  (await readSync(desk.database, [{ id, live: true }]))
    .get(id)!
    .map(({ connection, state, reason: why }) => ({
      connection,
      state,
      code: why?.code ?? null,
    }));
const queued = async (desk: Desk) =>
  (await desk.database.query('select from counterpart.work_queue')).rowCount;

test('after one run it waits and says why; after three it is parked, and nothing rings any more', async () => {
  const desk = await openDesk();
  const { id } = await desk.synced({ name: 'Ann', email: freshMail() });
  await desk.hint(id);
  for (let runs = 1; runs < 3; runs += 1) {
    await restlessRun(desk, id);
    expect(await told(desk, id)).toEqual([{ connection: 'stripe', state: 'waiting', code: 'restless' }]);
    const [row] = (
      await desk.database.query<{ s: number }>(
        'select extract(epoch from due_at - clock_timestamp())::float8 as s from counterpart.work_queue',
      )
    ).rows;
    expect(row!.s).toBeGreaterThan(15);
  }
  await restlessRun(desk, id);
  expect(await told(desk, id)).toEqual([{ connection: 'stripe', state: 'parked', code: 'restless' }]);
  expect(await queued(desk)).toBe(0);
});

test("a person's edit begins anew, and heals it", async () => {
  const desk = await openDesk();
  const { id } = await desk.synced({ name: 'Ann', email: freshMail() });
  await desk.hint(id);
  for (let runs = 0; runs < 3; runs += 1) await restlessRun(desk, id);
  await desk.update(id, { name: 'Anna' });
  await restlessRun(desk, id);
  expect(await desk.link(id)).toMatchObject({ outcome: 'waiting', reason });
  await desk.settle(id);
  expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
  expect(desk.system.living()).toMatchObject([[expect.anything(), { fields: { name: 'Anna' } }]]);
});

test('something new was hinted meanwhile: that is looked at first, and nothing is said', async () => {
  const desk = await openDesk();
  const { id } = await desk.synced({ name: 'Ann', email: freshMail() });
  await desk.hint(id);
  expect(await restlessRun(desk, id, () => desk.hint(id))).toBe('newer');
  expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
  expect(await told(desk, id)).toMatchObject([{ state: 'pending' }]);
});

test('I15: only the link that comes to no rest is parked', async () => {
  const desk = await openDesk({ others: [newSystem(CRM)] });
  const { id } = await desk.synced({ name: 'Ann', email: freshMail() });
  await desk.hint(id);
  for (let runs = 0; runs < 3; runs += 1) await restlessRun(desk, id);
  expect(await told(desk, id)).toEqual([
    { connection: 'crm', state: 'in_sync', code: null },
    { connection: 'stripe', state: 'parked', code: 'restless' },
  ]);
});
