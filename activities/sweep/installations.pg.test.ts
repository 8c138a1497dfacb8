/** Failure 57: two installations on one account, each with books, marks and keys of its own. */
import { freshMail, newSystem, STRIPE } from '../desk-for-tests';
import { places, restAll } from './place-for-tests';
import type { Place } from './place-for-tests';

const at = places();

const ours = async (place: Place) =>
  (await place.database.query('select name, email from counterpart.customers order by name')).rows;
const theirs = (place: Place) =>
  place.system
    .living()
    .map(([, { fields }]) => ({ name: fields['name'], email: fields['email'] }))
    .toSorted((a, b) => (String(a.name) < String(b.name) ? -1 : 1));

async function sharing(): Promise<[Place, Place]> {
  const system = newSystem(STRIPE);
  return [await at.open({ system }), await at.open({ system })];
}

/** Both hear all events and look at all that waits, in turns, until neither has anything left to write. */
async function converge(one: Place, two: Place): Promise<void> {
  for (let writes = -1; writes !== one.system.writes().length;) {
    writes = one.system.writes().length;
    for (const place of [one, two]) {
      await place.hear(place.system);
      await restAll(place);
    }
  }
}

async function expectEqual(one: Place, two: Place): Promise<void> {
  expect(await ours(one)).toEqual(theirs(one));
  expect(await ours(two)).toEqual(theirs(one));
}

test('failure 57, I2: what one creates the other takes for born there: one customer at the system, one record in each', async () => {
  const [one, other] = await sharing();
  await one.insert({ name: 'Ann one', email: freshMail() });
  await other.insert({ name: 'Ann two', email: freshMail() });
  await converge(one, other);
  await expectEqual(one, other);
  expect(one.system.living()).toHaveLength(2);
  expect(one.system.writes()).toHaveLength(2);
});

test('failure 57, I1: edits of the one and of the other, and deletions, arrive at both; then all is quiet', async () => {
  const [one, other] = await sharing();
  const id = await one.insert({ name: 'Ann', email: freshMail() });
  const gone = await one.insert({ name: 'Ann gone', email: freshMail() });
  await converge(one, other);
  const { rows } = await other.database.query('select id from counterpart.customers where name = $1', [
    'Ann',
  ]);
  await one.update(id, { name: 'Ann one' });
  await other.update(rows[0]!['id'], { email: freshMail() });
  await one.remove(gone);
  await converge(one, other);
  await expectEqual(one, other);
  expect(await one.row(id)).toMatchObject({ name: 'Ann one' });
  one.system.calls.length = 0;
  for (const place of [one, other]) {
    await place.hear(place.system);
    await place.heal();
    expect(await place.findings()).toEqual([]);
  }
  expect(one.system.writes()).toEqual([]);
});

test('failure 57, I3: the same field edited in both at once: one value stands everywhere, the other is kept as lost', async () => {
  const [one, other] = await sharing();
  const id = await one.insert({ name: 'Ann', email: freshMail() });
  await converge(one, other);
  const { rows } = await other.database.query('select id from counterpart.customers');
  await one.update(id, { name: 'Ann one' });
  await other.update(rows[0]!['id'], { name: 'Ann two' });
  await converge(one, other);
  await expectEqual(one, other);
  const lost = [...(await one.lost(id)), ...(await other.lost(rows[0]!['id']))];
  expect(JSON.stringify(lost)).toMatch(/Ann (one|two)/);
});

test('failure 57: without any event a sweep of each brings both to the same', async () => {
  const [one, other] = await sharing();
  const id = await one.insert({ name: 'Ann', email: freshMail() });
  await restAll(one);
  await other.heal();
  await one.update(id, { name: 'Ann edited' });
  await restAll(one);
  await other.heal();
  await expectEqual(one, other);
  expect(one.system.writes()).toHaveLength(2);
});

test('failure 57, 51: the one that was restored takes only what bears its own mark', async () => {
  const system = newSystem(STRIPE);
  const before = await at.open({ system });
  const { backup, place } = await at.backUp(before);
  const other = await at.open({ system });
  const id = await place.insert({ name: 'Ann one', email: freshMail() });
  await other.insert({ name: 'Ann two', email: freshMail() });
  await restAll(place);
  await restAll(other);
  const restored = await at.restore(backup, place);
  await restored.database.query('select counterpart.recovered()');
  await restored.sweep();
  expect(await restored.findings()).toEqual(['there adopted', 'there created']);
  await restAll(restored);
  expect(await restored.row(id)).toMatchObject({ name: 'Ann one' });
  await expectEqual(restored, restored);
  expect(system.writes()).toHaveLength(2);
});
