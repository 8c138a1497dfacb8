/** I6: what counts as deleted and stands there all the same. Nothing revives it but a person, and a person is told. */
import type { RecordId, RemoteId } from '../../src/core/ids';
import { countParked, listParked } from '../../src/store/parked';
import { countStates, readSync } from '../../src/store/syncState';
import { CUSTOMER, STRIPE, freshMail } from '../desk-for-tests';
import { places } from './place-for-tests';
import type { Place } from './place-for-tests';

const at = places();

interface Standing {
  readonly id: RecordId;
  readonly remoteId: RemoteId;
}

/** A proxy hid the customer while our deletion was sent and checked; it has gone since. */
async function deletedHere(place: Place): Promise<Standing> {
  const { id, remoteId } = await place.synced({ name: 'Ann', email: freshMail() });
  place.system.hide(remoteId);
  await place.remove(id);
  await place.settle(id);
  place.system.show(remoteId);
  return { id, remoteId };
}

/** A deletion there was told that never was. */
async function toldDeleted(place: Place): Promise<Standing> {
  const { id, remoteId } = await place.synced({ name: 'Ann', email: freshMail() });
  const [link] = await place.store.links.newestOfRecord(CUSTOMER, id);
  await place.store.links.proveRemoteDeletion(link!.id);
  await place.hint(id);
  await place.settle(id);
  return { id, remoteId };
}

const FALSE_DELETIONS = [
  ['our deletion was confirmed falsely', deletedHere],
  ['a deletion there was told falsely', toldDeleted],
] as const;

async function stateOf(place: Place, id: RecordId) {
  const [entry] = (await readSync(place.database, [{ id, live: false }])).get(id) ?? [];
  return [entry?.state, entry?.reason?.code ?? null];
}

const counts = async (place: Place) => (await countStates(place.database)).get(STRIPE);

describe.each(FALSE_DELETIONS)('%s', (_, falsely) => {
  test('I6: the sweep lists the object: a finding for a person, and nothing is revived', async () => {
    const place = await at.open();
    const { id, remoteId } = await falsely(place);
    expect(await place.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted' });
    const sweep = await place.heal();
    expect(await place.findings()).toEqual(['there standing']);
    const [finding] = await place.store.sweepFindings.listFindings(sweep.id, 10);
    expect(finding).toMatchObject({ recordId: id, remoteId, state: 'parked' });
    expect(await place.row(id)).toBeNull();
    expect(place.system.writes().filter(({ applied }) => applied)).toEqual([]);
  });

  test('I14: it is parked with its reason wherever an operator looks', async () => {
    const place = await at.open();
    const { id, remoteId } = await falsely(place);
    await place.heal();
    expect(await listParked(place.database, 10)).toMatchObject([
      { recordId: id, remoteId, hasRow: false, reason: { code: 'remote_standing' } },
    ]);
    expect(await countParked(place.database)).toEqual([
      { connection: 'stripe', code: 'remote_standing', links: 1 },
    ]);
    expect(await stateOf(place, id)).toEqual(['parked', 'remote_standing']);
    expect(await counts(place)).toMatchObject({ parked: 1, deleted: 0 });
  });

  test('I7: it is told once; the next night it is no news and nothing is read again', async () => {
    const place = await at.open();
    await falsely(place);
    await place.heal();
    place.system.calls.length = 0;
    await place.heal();
    expect(await place.findings()).toEqual([]);
    expect(place.system.calls.map(({ operation }) => operation)).toEqual(['list']);
  });

  test('I2: it is restored: the object that stands is taken up again, with what was edited there, and no second one is made', async () => {
    const place = await at.open();
    const { id, remoteId } = await falsely(place);
    const found = await place.heal();
    place.system.edit(remoteId, { name: 'Ann there' });
    await place.insert({ name: 'Ann', email: null }, id);
    await place.settle(id);
    expect(await place.links(id)).toMatchObject([
      { remote_id: remoteId, state: 'linked', outcome: 'in_sync', reason: null, detached: false },
    ]);
    expect(await place.row(id)).toMatchObject({ name: 'Ann there' });
    expect(place.system.living()).toHaveLength(1);
    const [finding] = await place.store.sweepFindings.listFindings(found.id, 10);
    expect(finding).toMatchObject({ state: 'healed' });
  });

  test('it is deleted there, and that is told: it counts as deleted again', async () => {
    const place = await at.open();
    const { id, remoteId } = await falsely(place);
    const found = await place.heal();
    place.system.erase(remoteId);
    await place.hear(place.system);
    await place.rest();
    expect(await place.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted', reason: null });
    expect(await stateOf(place, id)).toEqual(['deleted', null]);
    expect(await counts(place)).toMatchObject({ parked: 0, deleted: 1 });
    const [finding] = await place.store.sweepFindings.listFindings(found.id, 10);
    expect(finding).toMatchObject({ state: 'healed' });
    expect(await place.row(id)).toBeNull();
  });
});

test('a list that shows what is gone by its own id: nothing is found', async () => {
  const place = await at.open();
  const { id, remoteId } = await deletedHere(place);
  const listing = place.system.hold('list');
  const sweeping = place.sweep();
  await listing.arrived;
  place.system.erase(remoteId);
  listing.release();
  await sweeping;
  expect(await place.findings()).toEqual([]);
  expect(await place.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted' });
});

test('ON_DELETE=detach: an object that was left standing on purpose is no finding', async () => {
  const place = await at.open({ onDelete: 'detach' });
  const { id } = await place.synced({ name: 'Ann', email: freshMail() });
  await place.remove(id);
  await place.settle(id);
  await place.heal();
  expect(await place.findings()).toEqual([]);
  expect(await place.link(id)).toMatchObject({ detached: true, outcome: 'deleted' });
});
