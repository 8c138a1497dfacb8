import fc from 'fast-check';
import { CATALOGS } from '../catalogs/catalogs';
import { canonicalEmail } from '../catalogs/customer/customer';
import type { RecordId } from '../core/ids';
import { benches, CUSTOMER, newId, openLink, STRIPE } from './store-for-tests';

const bench = benches();
const catalog = CATALOGS.get(CUSTOMER)!;

describe('recognised by e-mail', () => {
  const recognise = (email: string) => bench().store.records.findRecognised(catalog, STRIPE, email);

  test('whatever the writing', async () => {
    const id = await bench().insert({ email: 'Renée@Example.com' });
    expect(await recognise(' RENÉE@EXAMPLE.COM\n')).toEqual([{ recordId: id, free: true }]);
    expect(await recognise('rene\u0301e@example.com')).toEqual([{ recordId: id, free: true }]);
    expect(await recognise('renee@example.com')).toEqual([]);
  });

  test('a mere reservation leaves a record free and gives way; what is to be sent, or was, does not', async () => {
    const { store, database } = bench();
    const at = { connection: STRIPE, catalog };
    const id = await bench().insert({ email: 'linked@example.com' });
    await openLink(bench(), id);
    expect(await recognise('linked@example.com')).toEqual([{ recordId: id, free: true }]);
    expect(await store.adoption.makeWay(at, id)).toBe(true);
    expect(await store.links.newestOfRecord(CUSTOMER, id)).toEqual([]);
    await openLink(bench(), id);
    const [link] = await store.links.newestOfRecord(CUSTOMER, id);
    const intent = { linkId: link!.id, kind: 'create', values: {}, replaces: {}, version: 1 } as const;
    await store.intents.openIntent({ ...intent, key: await newId(bench()) });
    const ends = [
      'sends = 0',
      `sends = 1, first_sent_at = now()`,
      `ended_at = now(), ending = 'refused', values = null`,
    ];
    for (const set of ends) {
      await database.query(`update counterpart.intents set ${set} where link_id = $1`, [link!.id]);
      expect(await recognise('linked@example.com')).toEqual([{ recordId: id, free: false }]);
      expect(await store.adoption.makeWay(at, id)).toBe(false);
    }
    expect(await store.links.newestOfRecord(CUSTOMER, id)).toHaveLength(1);
  });

  test('deleted records are recognised no more', async () => {
    const id = await bench().insert({ email: 'deleted@example.com' });
    await bench().database.query('delete from counterpart.customers where id = $1', [id]);
    expect(await recognise('deleted@example.com')).toEqual([]);
  });

  test('failure 31: Postgres and the decision compare alike, blanks of every kind and letters of every script', async () => {
    const parts = fc.constantFrom(
      'a',
      'B',
      'É',
      'e\u0301',
      'ß',
      'ẞ',
      'Σ',
      'σ',
      'K',
      'Å',
      'ñ',
      'Ж',
      '가',
      ' ',
      '\t',
      '\n',
      '\u00a0',
      '\u2003',
      '\u3000',
      '\ufeff',
      '@',
      '.',
      '+',
    );
    const texts = fc.sample(
      fc.array(parts, { maxLength: 8 }).map((list) => list.join('')),
      500,
    );
    const { rows } = await bench().database.query<{ text: string; canonical: string | null }>(
      'select text, counterpart.canonical_email(text) as canonical from unnest($1::text[]) as text',
      [texts],
    );
    const differing = rows.filter(({ text, canonical }) => canonicalEmail(text) !== canonical);
    expect(differing.map(({ text }) => JSON.stringify(text))).toEqual([]);
  });
});

test('what stands here: a row, a tombstone, or nothing', async () => {
  const { records } = bench().store;
  const id = await bench().insert({ name: 'Ann', email: 'a@example.com' });
  const fields = { name: 'Ann', email: 'a@example.com' };
  expect(await records.readRecord(catalog, id)).toEqual({ kind: 'live', fields, version: 1 });
  await bench().database.query('delete from counterpart.customers where id = $1', [id]);
  expect(await records.readRecord(catalog, id)).toEqual({ kind: 'tombstone', fields, version: 2 });
  expect(await records.readRecord(catalog, await newId(bench()))).toEqual({ kind: 'absent' });
});

test('I6: made and deleted since it was looked for: a pull restores nothing, the look reads again', async () => {
  const { store } = bench();
  const id = await bench().insert({ name: 'Ann' });
  await bench().database.query('delete from counterpart.customers where id = $1', [id]);
  let attempts = 0;
  const pull = store.transact((tx) => {
    attempts += 1;
    return tx.records.insertPulled(catalog, id, { name: 'Ann', email: null });
  });
  await expect(pull).rejects.toMatchObject({ code: '40001' });
  expect(attempts).toBeGreaterThan(1);
  expect(await store.records.readRecord(catalog, id)).toMatchObject({ kind: 'tombstone' });
});

test("a product's trigger that gives a pulled value its own form is told what stands there then", async () => {
  await bench().database.query(`
    create function counterpart_tidy() returns trigger language plpgsql as $$ begin new.name := initcap(new.name); return new; end $$;
    create trigger tidy before insert or update on counterpart.customers for each row execute function counterpart_tidy()`);
  const id = await newId(bench());
  const { store } = bench();
  const pulled = await store.transact((tx) =>
    tx.records.insertPulled(catalog, id, { name: 'ann', email: null }),
  );
  expect(pulled).toEqual({ fields: { name: 'Ann', email: null }, version: 1 });
  const again = await store.transact((tx) => tx.records.updatePulled(catalog, id, { name: 'anna' }));
  await bench().database.query('drop trigger tidy on counterpart.customers');
  expect(again).toEqual({ fields: { name: 'Anna', email: null }, version: 2 });
});

describe('a transaction that lost', () => {
  test('failure 37: the victim of a deadlock is run again from its start', async () => {
    const [one, two] = [await bench().insert({ name: '' }), await bench().insert({ name: '' })];
    let attempts = 0;
    let holding = 0;
    let meet = (): void => undefined;
    const met = new Promise<void>((resolve) => (meet = resolve));
    let survive = (): void => undefined;
    const survived = new Promise<void>((resolve) => (survive = resolve));
    const both = async (first: RecordId, second: RecordId) => {
      await bench().database.transact(async (sql) => {
        attempts += 1;
        // the victim lets the survivor finish, so that they do not meet again
        if (attempts > 2) await survived;
        await sql.query(`update counterpart.customers set name = name || 'x' where id = $1`, [first]);
        holding += 1;
        if (holding === 2) meet();
        await met;
        await sql.query(`update counterpart.customers set name = name || 'x' where id = $1`, [second]);
      });
      survive();
    };
    await Promise.all([both(one, two), both(two, one)]);
    expect(attempts).toBe(3);
    const { rows } = await bench().database.query(
      'select name from counterpart.customers where id = any($1)',
      [[one, two]],
    );
    expect(rows).toEqual([{ name: 'xx' }, { name: 'xx' }]);
  });
});
