/** A product's long transaction holds rows that a sweep, or a person who allows deletions, would hint. */
import type { RecordId } from '../../src/core/ids';
import { STRIPE, freshMail } from '../desk-for-tests';
import { places, restAll } from './place-for-tests';
import type { Place } from './place-for-tests';

const at = places();

const queued = async (place: Place): Promise<string[]> =>
  (
    await place.database.query<{ record_id: string }>('select record_id from counterpart.work_queue')
  ).rows.map((row) => row.record_id);

/** Somebody's transaction that has written `statement` and is not over. */
async function openTransaction(place: Place, statement: string, values: readonly unknown[]) {
  const client = await place.database.pool.connect();
  await client.query('begin');
  await client.query(statement, [...values]);
  return async (end: 'commit' | 'rollback') => {
    await client.query(end);
    client.release();
  };
}

describe("I15: a product's long transaction holds a record", () => {
  const held = `update counterpart.customers set name = 'Ann held' where id = $1`;

  test.each(['rollback', 'commit'] as const)(
    'the sweep passes it by and comes to its end; after the %s what was found there is healed',
    async (end) => {
      const place = await at.open();
      const ids = [];
      for (const name of ['Ann a', 'Ann b', 'Ann c']) {
        const { id, remoteId } = await place.synced({ name, email: freshMail() });
        ids.push(id);
        place.system.edit(remoteId, { email: freshMail() });
      }
      const over = await openTransaction(place, held, [ids[1]]);
      expect(await place.sweep()).toMatchObject({ ending: 'done', found: 3 });
      await restAll(place);
      expect(await queued(place)).toEqual([]);
      await over(end);
      await place.store.queue.placeOwed();
      expect(await queued(place)).toEqual([ids[1]]);
      await restAll(place);
      const there = place.system.living().map(([, { fields }]) => fields['email']);
      expect(await Promise.all(ids.map(async (id) => (await place.row(id))!['email']))).toEqual(there);
      const name = end === 'commit' ? 'Ann held' : 'Ann b';
      expect(place.system.living()[1]![1].fields['name']).toBe(name);
    },
  );

  test('what is owed is owed as long as the transaction lasts, and placed once; its finding is healed by the look, not before', async () => {
    const place = await at.open();
    const { id, remoteId } = await place.synced({ name: 'Ann', email: freshMail() });
    place.system.edit(remoteId, { name: 'Ann there' });
    const over = await openTransaction(place, held, [id]);
    await place.sweep();
    const states = async () => {
      const [sweep] = await place.store.sweeps.listSweeps(1);
      return (await place.store.sweepFindings.listFindings(sweep!.id, 10)).map(({ state }) => state);
    };
    const owed = async () => (await place.database.query('select from counterpart.owed_hints')).rowCount;
    for (let tries = 0; tries < 3; tries += 1) {
      await place.store.queue.placeOwed();
      expect(await owed()).toBe(1);
      expect(await states()).toEqual(['waiting']);
    }
    await over('rollback');
    await place.store.queue.placeOwed();
    expect([await owed(), await queued(place)]).toEqual([0, [id]]);
    expect(await states()).toEqual(['waiting']);
    await restAll(place);
    expect(await states()).toEqual(['healed']);
  });

  test('a person allows what was held meanwhile: the others go at once, that one when the transaction is over', async () => {
    const place = await at.open({ deleteGuard: { count: 0, percent: 0, windowMs: 600_000 } });
    const ids: RecordId[] = [];
    for (const name of ['Ann a', 'Ann b']) ids.push((await place.synced({ name, email: freshMail() })).id);
    for (const id of ids) place.system.erase((await place.link(id)).remote_id as never);
    await place.hear(place.system);
    await restAll(place);
    const over = await openTransaction(place, held, [ids[0]]);
    expect(await place.store.transact((tx) => tx.deletes.allowDeletions(STRIPE))).toBe(2);
    await restAll(place);
    expect([await place.row(ids[0]!), await place.row(ids[1]!)]).toEqual([expect.anything(), null]);
    await over('rollback');
    await place.store.queue.placeOwed();
    await restAll(place);
    expect(await place.row(ids[0]!)).toBeNull();
  });
});
