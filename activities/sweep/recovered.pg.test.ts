/** Failure 51: Postgres was restored from an older backup, and the other side lives in our future. */
import { failureOf } from '../../src/connectors/memory';
import type { RecordId } from '../../src/core/ids';
import { CUSTOMER, STRIPE, freshMail } from '../desk-for-tests';
import { places, restAll } from './place-for-tests';
import type { DeskOptions } from '../desk-for-tests';
import type { Place } from './place-for-tests';

const at = places();
const GUARD = { count: 50, percent: 5, windowMs: 600_000 };

const recovered = (place: Place) => place.database.query('select counterpart.recovered()');
const paused = async (place: Place) => (await place.store.connections.find(STRIPE))?.paused?.code ?? null;
const theirs = (place: Place): string[] =>
  place.system
    .living()
    .map(([, { fields }]) => String(fields['name']))
    .toSorted();
const ours = async (place: Place): Promise<string[]> =>
  (
    await place.database.query<{ name: string }>('select name from counterpart.customers order by name')
  ).rows.map(({ name }) => name);

/** A backup is made, then `future` happens, then the backup is restored. */
async function restoredAfter(
  past: (place: Place) => Promise<void>,
  future: (place: Place) => Promise<void>,
  options: DeskOptions = {},
): Promise<Place> {
  const first = await at.open();
  await past(first);
  const { backup, place } = await at.backUp(first);
  await future(place);
  await restAll(place);
  place.system.calls.length = 0;
  return at.restore(backup, place, options);
}

/** The backup's queue came back with it: a desk begins with an empty one. */
const stillDue = (place: Place, ...ids: RecordId[]) => place.store.queue.enqueue(CUSTOMER, ids, 'local');

/** The operator says so, the sweep reads everything, and what waits is looked at. */
async function recover(place: Place): Promise<void> {
  await recovered(place);
  await restAll(place);
  expect(place.system.writes()).toEqual([]);
  expect(await paused(place)).toBe('recovering');
  expect(await place.sweep()).toMatchObject({ cause: 'recovered', ending: 'done' });
  expect(await paused(place)).toBeNull();
  await restAll(place);
}

test('failure 51: a customer we created after the backup comes back as the record it was, and is not made twice', async () => {
  let lost: RecordId | null = null;
  const place = await restoredAfter(
    async () => undefined,
    async (future) => {
      lost = await future.insert({ name: 'Ann', email: freshMail() });
    },
  );
  await recover(place);
  expect(await place.row(lost!)).toMatchObject({ name: 'Ann' });
  expect(theirs(place)).toEqual(['Ann']);
  expect(place.system.writes()).toEqual([]);
  expect(await place.link(lost!)).toMatchObject({ state: 'linked', outcome: 'in_sync' });
});

test('failure 51: a record that stood in the backup without its link takes up what the lost future made for it', async () => {
  let id: RecordId | null = null;
  const place = await restoredAfter(
    async (past) => {
      id = await past.insert({ name: 'Ann', email: freshMail() });
    },
    (future) => future.hint(id!),
  );
  const there = place.system.living()[0]![0];
  await recover(place);
  expect(place.system.writes()).toEqual([]);
  expect(await place.link(id!)).toMatchObject({ remote_id: there, state: 'linked', outcome: 'in_sync' });
});

test('I17: a create that was open in the backup and took effect since is given up, not sent again, its key forgotten or not', async () => {
  let id: RecordId | null = null;
  const place = await restoredAfter(
    async (past) => {
      id = await past.insert({ name: 'Ann', email: freshMail() });
      const lost = failureOf('unavailable', { code: 'ECONNRESET' });
      past.system.fail('create', { failure: lost, when: 'before' });
      await past.settle(id);
    },
    (future) => future.hint(id!),
  );
  expect(theirs(place)).toEqual(['Ann']);
  await place.hoursPass(id!, 30);
  await recover(place);
  expect(place.system.writes()).toEqual([]);
  expect(theirs(place)).toEqual(['Ann']);
  expect(await place.link(id!)).toMatchObject({ outcome: 'in_sync' });
});

test('failure 51: what changed there since comes here; what was deleted there is deleted here; nothing old is pushed', async () => {
  const ids: RecordId[] = [];
  const place = await restoredAfter(
    async (past) => {
      for (const name of ['Ann a', 'Ann b', 'Ann c']) {
        ids.push((await past.synced({ name, email: freshMail() })).id);
      }
    },
    async (future) => {
      await future.update(ids[0]!, { name: 'Ann a2' });
      await future.remove(ids[1]!);
    },
  );
  await recover(place);
  expect(await ours(place)).toEqual(['Ann a2', 'Ann c']);
  expect(theirs(place)).toEqual(['Ann a2', 'Ann c']);
  expect(place.system.writes()).toEqual([]);
});

test('failure 51: what is written here while the sweep reads waits, and is sent when it has read everything', async () => {
  const place = await restoredAfter(
    async (past) => void (await past.synced({ name: 'Ann old', email: freshMail() })),
    async () => undefined,
  );
  await recovered(place);
  await place.insert({ name: 'Ann new', email: freshMail() });
  await restAll(place);
  expect(theirs(place)).toEqual(['Ann old']);
  expect(await place.database.query('select waiting_on from counterpart.work_queue')).toMatchObject({
    rows: [{ waiting_on: [STRIPE] }],
  });
  await place.sweep();
  await restAll(place);
  expect(theirs(place)).toEqual(['Ann new', 'Ann old']);
  expect(place.system.writes()).toHaveLength(1);
});

test('failure 51: the door reserved an id for what we made, before anybody said that a backup was restored', async () => {
  let lost: RecordId | null = null;
  const place = await restoredAfter(
    async () => undefined,
    async (future) => {
      lost = await future.insert({ name: 'Ann', email: freshMail() });
    },
  );
  await place.hear(place.system);
  await restAll(place);
  const { rows } = await place.database.query('select outcome from counterpart.links');
  expect(rows).toEqual([{ outcome: 'parked' }]);
  await recover(place);
  expect(await place.link(lost!)).toMatchObject({ state: 'linked', outcome: 'in_sync' });
  expect(await ours(place)).toEqual(['Ann']);
});

test('I6: an object with the mark of a record that the backup knows as deleted revives nobody: a person decides', async () => {
  let id: RecordId | null = null;
  const place = await restoredAfter(
    async (past) => {
      id = (await past.synced({ name: 'Ann', email: freshMail() })).id;
      await past.remove(id);
      await past.settle(id);
    },
    async (future) => void (await future.insert({ name: 'Ann', email: null }, id!)),
  );
  await recover(place);
  expect(await place.row(id!)).toBeNull();
  const { rows } = await place.database.query(
    `select reason ->> 'code' as code from counterpart.links where outcome = 'parked'`,
  );
  expect(rows).toEqual([{ code: 'claims_record' }]);
});

describe('failure 51: deleted and restored', () => {
  let id: RecordId;
  const restoredThere = async (future: Place): Promise<void> => {
    await future.remove(id);
    await future.settle(id);
    await future.insert({ name: 'Ann again', email: freshMail() }, id);
  };

  test('after the backup: the record lives on, linked to the newer object, whose values it takes', async () => {
    const place = await restoredAfter(
      async (past) => void ({ id } = await past.synced({ name: 'Ann', email: freshMail() })),
      restoredThere,
    );
    const newer = place.system.living()[0]![0];
    await recover(place);
    expect(await ours(place)).toEqual(['Ann again']);
    expect(await place.links(id)).toMatchObject([
      { generation: 1, state: 'retired' },
      { generation: 2, state: 'linked', remote_id: newer, outcome: 'in_sync' },
    ]);
    expect(place.system.writes()).toEqual([]);
    expect(await place.lost(id)).toEqual([]);
  });

  test('after the backup, and its deletion was heard of before anybody said that a backup was restored', async () => {
    const place = await restoredAfter(
      async (past) => void ({ id } = await past.synced({ name: 'Ann', email: freshMail() })),
      restoredThere,
    );
    await place.hear(place.system);
    await recover(place);
    expect([await ours(place), theirs(place)]).toEqual([['Ann again'], ['Ann again']]);
    expect(await place.link(id)).toMatchObject({ generation: 2, outcome: 'in_sync' });
    expect(place.system.writes()).toEqual([]);
  });

  test('in the backup, its new object not made yet: the one that was made since is taken up, and no second one made', async () => {
    const place = await restoredAfter(
      async (past) => {
        ({ id } = await past.synced({ name: 'Ann', email: freshMail() }));
        await past.remove(id);
        await past.settle(id);
        await past.insert({ name: 'Ann again', email: freshMail() }, id);
      },
      (future) => future.hint(id),
    );
    await stillDue(place, id);
    await recover(place);
    expect(theirs(place)).toEqual(['Ann again']);
    expect(place.system.writes()).toEqual([]);
    expect(await place.link(id)).toMatchObject({ generation: 2, state: 'linked', outcome: 'in_sync' });
  });

  test('a copied mark beside the linked object that still stands takes nothing away', async () => {
    const place = await restoredAfter(
      async (past) => void ({ id } = await past.synced({ name: 'Ann', email: freshMail() })),
      async (future) => void future.system.plant({ name: 'Ann copy', email: null }, future.mark(id)),
    );
    await recover(place);
    expect(await place.links(id)).toMatchObject([{ generation: 1, state: 'linked', outcome: 'in_sync' }]);
    expect(theirs(place)).toEqual(['Ann', 'Ann copy']);
  });
});

test('failure 51: a queue number that was given out after the backup never comes again', async () => {
  const place = await restoredAfter(
    async () => undefined,
    async () => undefined,
  );
  const seq = async () => {
    const id = await place.insert({ name: 'Ann' });
    return (await place.store.queue.readHint(CUSTOMER, id))!.seq;
  };
  const before = await seq();
  await recovered(place);
  const after = await seq();
  expect(after).toBeGreaterThan(before + 1_000_000_000);
  expect(Number.isSafeInteger(after)).toBe(true);
  await recovered(place);
  expect(await seq()).toBeGreaterThan(after);
});

test("an operator's pause outlives a recovery", async () => {
  const place = await at.open();
  await place.store.connections.pause(STRIPE, { code: 'paused', detail: null });
  await recovered(place);
  expect(await place.sweep()).toMatchObject({ waitsFor: 'paused', endedAt: null });
  expect(await paused(place)).toBe('paused');
  await place.store.connections.resume(STRIPE);
  expect(await paused(place)).toBe('recovering');
  expect(await place.sweep()).toMatchObject({ ending: 'done' });
  expect(await paused(place)).toBeNull();
});

test('said twice, or when nothing was restored: one sweep, and nothing is written', async () => {
  const place = await at.open();
  await place.synced({ name: 'Ann', email: freshMail() });
  await recovered(place);
  await recovered(place);
  expect((await place.store.sweeps.listSweeps(10)).map(({ ending }) => ending)).toEqual([null, 'replaced']);
  await place.sweep();
  await restAll(place);
  expect(await place.findings()).toEqual([]);
  expect(place.system.writes()).toEqual([]);
});

test('failure 51: it reads on although an import of 1,000 rows waits in the restored queue', async () => {
  const place = await at.open();
  await place.synced({ name: 'Ann', email: freshMail() });
  await place.database.query(
    `insert into counterpart.customers (name) select 'x ' || g from generate_series(1, 1000) g`,
  );
  await recovered(place);
  const batch = await place.activities.sweepBatch({ connection: STRIPE });
  expect(batch).toMatchObject({ next: expect.stringMatching(/more|idle/) });
});

describe('failure 51: what was due in the backup meets what lived on', () => {
  let id: RecordId;

  /** An edit of the name is due in the backup, reaches the other side in the lost future, and `then` happens there. */
  const dueAnd = (then: (future: Place) => Promise<void>, options?: DeskOptions): Promise<Place> =>
    restoredAfter(
      async (past) => {
        ({ id } = await past.synced({ name: 'Ann', email: freshMail() }));
        await past.update(id, { name: 'Ann due' });
      },
      async (future) => {
        await future.settle(id);
        await then(future);
      },
      options,
    );
  const editedThere = async (future: Place): Promise<void> =>
    future.system.edit(future.system.living()[0]![0], { name: 'Ann newer' });

  test('an edit that was due loses against what was edited there since, and is kept as the loser', async () => {
    const place = await dueAnd(editedThere);
    await stillDue(place, id);
    await recover(place);
    expect(await place.row(id)).toMatchObject({ name: 'Ann newer' });
    expect(place.system.writes()).toEqual([]);
    expect(await place.lost(id)).toMatchObject([{ ours: 'Ann due', theirs: 'Ann newer', winner: 'remote' }]);
  });

  test('it is sent where nothing was changed there since', async () => {
    const place = await restoredAfter(
      async (past) => {
        ({ id } = await past.synced({ name: 'Ann', email: freshMail() }));
        await past.update(id, { name: 'Ann due' });
        await past.database.query('delete from counterpart.work_queue');
      },
      async () => undefined,
    );
    await stillDue(place, id);
    await recover(place);
    expect(theirs(place)).toEqual(['Ann due']);
    expect(await place.lost(id)).toEqual([]);
  });

  test('where a person wants to be asked, a person is asked, and nothing is written', async () => {
    const place = await dueAnd(editedThere, { onConflict: 'ask' });
    await stillDue(place, id);
    await recover(place);
    expect([await place.row(id), theirs(place)]).toMatchObject([{ name: 'Ann due' }, ['Ann newer']]);
    expect(await place.link(id)).toMatchObject({ outcome: 'parked', reason: { code: 'conflict' } });
  });

  test('a record without its link takes up the object that was made for it, with the values it has by now', async () => {
    const place = await restoredAfter(
      async (past) => void (id = await past.insert({ name: 'Ann', email: freshMail() })),
      async (future) => {
        await future.hint(id);
        await future.settle(id);
        await editedThere(future);
      },
    );
    await stillDue(place, id);
    await recover(place);
    expect(await ours(place)).toEqual(['Ann newer']);
    expect(theirs(place)).toEqual(['Ann newer']);
    expect(place.system.writes()).toEqual([]);
  });

  test('an edit here while the sweep still reads loses too: whoever made it saw an old value', async () => {
    const place = await dueAnd(editedThere);
    await recovered(place);
    await place.update(id, { name: 'Ann while it recovers' });
    await place.sweep();
    await restAll(place);
    expect(await ours(place)).toEqual(['Ann newer']);
    expect(await place.lost(id)).toMatchObject([{ ours: 'Ann while it recovers', winner: 'remote' }]);
  });

  test.each([
    ['as ever', GUARD],
    ['though no guard is set', null],
  ])('I6: a deletion that was due is held where its object was edited since, %s', async (_, deleteGuard) => {
    const place = await restoredAfter(
      async (past) => {
        ({ id } = await past.synced({ name: 'Ann', email: freshMail() }));
        await past.remove(id);
      },
      async (future) => {
        await future.insert({ name: 'Ann', email: freshMail() }, id);
        await future.settle(id);
        await editedThere(future);
      },
      { deleteGuard },
    );
    await stillDue(place, id);
    await recover(place);
    expect(place.system.writes()).toEqual([]);
    expect(await place.link(id)).toMatchObject({ outcome: 'parked', reason: { code: 'delete_burst' } });
    await place.hint(id);
    await restAll(place);
    expect(theirs(place)).toEqual(['Ann newer']);
    await place.insert({ name: 'Ann', email: freshMail() }, id);
    await restAll(place);
    expect(theirs(place)).toEqual(['Ann newer']);
    expect(await place.link(id)).toMatchObject({ outcome: 'in_sync' });
  });

  test('a deletion that was due is sent where its object stands as it was', async () => {
    const place = await restoredAfter(
      async (past) => {
        ({ id } = await past.synced({ name: 'Ann', email: freshMail() }));
        await past.remove(id);
        await past.database.query('delete from counterpart.work_queue');
      },
      async () => undefined,
    );
    await stillDue(place, id);
    await recover(place);
    expect(theirs(place)).toEqual([]);
  });

  test.each(['was queued before', 'was not queued'])(
    'an edit here whose transaction is open while it is said that a backup was restored loses too (the record %s)',
    async (queuedBefore) => {
      const place = await dueAnd(editedThere);
      if (queuedBefore === 'was queued before') await stillDue(place, id);
      const client = await place.database.pool.connect();
      await client.query('begin');
      await client.query(`update counterpart.customers set name = 'Ann meanwhile' where id = $1`, [id]);
      await recovered(place);
      await client.query('commit');
      client.release();
      await place.sweep();
      await restAll(place);
      expect([await ours(place), theirs(place)]).toEqual([['Ann newer'], ['Ann newer']]);
      expect(await place.lost(id)).toMatchObject([{ ours: 'Ann meanwhile', winner: 'remote' }]);
    },
  );

  test('when the recovery is over the policy holds again', async () => {
    const place = await dueAnd(editedThere);
    await stillDue(place, id);
    await recover(place);
    place.system.edit(place.system.living()[0]![0], { name: 'Ann there' });
    await place.update(id, { name: 'Ann here' });
    await restAll(place);
    expect([await ours(place), theirs(place)]).toEqual([['Ann here'], ['Ann here']]);
  });
});
