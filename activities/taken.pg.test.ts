import { failureOf } from '../src/connectors/memory';
import { forgetRefusals } from '../src/store/swings';
import { CUSTOMER, desks, freshMail } from './desk-for-tests';
import type { Desk } from './desk-for-tests';

const openDesk = desks();
const lostOnTheWay = failureOf('unavailable', { code: 'ETIMEDOUT' });

/** Our create took effect, its answer was lost, and somebody took our mark off before the object was first seen here. */
async function madeAndUnmarked(desk: Desk) {
  const id = await desk.insert({ name: 'Ann', email: freshMail() });
  desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
  await desk.settle(id);
  const [remoteId] = desk.system.living()[0]!;
  desk.system.mark(remoteId, {});
  const other = await desk.born(remoteId);
  await desk.settle(other);
  expect(await desk.row(other)).toMatchObject({ name: 'Ann' });
  return { id, other, remoteId };
}

describe('I2: what an ambiguous create made became a record of its own', () => {
  test('the answer comes at last: the record is parked and names the other; the object keeps its one record', async () => {
    const desk = await openDesk();
    const { id, other, remoteId } = await madeAndUnmarked(desk);
    await desk.settle(id);
    const reason = { code: 'claims_record', detail: `its object is linked to ${other}` };
    expect(await desk.link(id)).toMatchObject({ outcome: 'parked', remote_id: null, reason });
    expect(await desk.link(other)).toMatchObject({ state: 'linked', remote_id: remoteId });
    expect(desk.system.living()).toHaveLength(1);
  });

  test('what is heard, and an edit of the record, make no second one: it stays parked until a person asks', async () => {
    const desk = await openDesk();
    const { id, other } = await madeAndUnmarked(desk);
    await desk.settle(id);
    const reason = { code: 'claims_record', detail: `its object is linked to ${other}` };
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'parked', remote_id: null, reason });
    await desk.update(id, { name: 'Ann edited' });
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'parked', remote_id: null, reason });
    expect(desk.system.living()).toHaveLength(1);

    await desk.remove(other);
    await desk.settle(other);
    await forgetRefusals(desk.database, CUSTOMER, id);
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
    expect(desk.system.living().map(([, { fields }]) => fields['name'])).toEqual(['Ann edited']);
  });

  test('I14: it was deleted there since and is traced a day later: parked as well, not tried for ever', async () => {
    const desk = await openDesk();
    const { id, other, remoteId } = await madeAndUnmarked(desk);
    desk.system.erase(remoteId);
    await desk.hint(other);
    await desk.settle(other);
    await desk.hoursPass(id, 25);
    expect((await desk.settle(id)).trouble).toEqual([]);
    const reason = { code: 'claims_record', detail: `its object is linked to ${other}` };
    expect(await desk.link(id)).toMatchObject({ outcome: 'parked', remote_id: null, reason });
    expect(await desk.row(id)).toMatchObject({ name: 'Ann' });
  });
});
