import { desks, freshMail } from './desk-for-tests';
import { failureOf } from '../src/connectors/memory';

const openDesk = desks();

/** What a product may have on its own table. */
const RULE = 'alter table counterpart.customers add constraint short check (length(name) < 10) not valid';
const NO_RULE = 'alter table counterpart.customers drop constraint short';

describe('born there', () => {
  test('it becomes a record here, and nothing is written there', async () => {
    const desk = await openDesk();
    const fields = { name: 'Ann', email: freshMail() };
    const remoteId = desk.system.plant(fields);
    const id = await desk.born(remoteId);
    expect(await desk.settle(id)).toMatchObject({ kind: 'done', steps: [{ direction: 'in' }] });
    expect(await desk.row(id)).toEqual(fields);
    expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync', agreed_version: 1 });
    expect(desk.system.writes()).toEqual([]);
    expect(await desk.look(id)).toMatchObject({ kind: 'nothing' });
  });

  test('without a name and without an e-mail it is accepted all the same', async () => {
    const desk = await openDesk();
    const id = await desk.born(desk.system.plant({}));
    await desk.settle(id);
    expect(await desk.row(id)).toEqual({ name: null, email: null });
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', possible_duplicate: false });
  });

  test('failure 59: deleted there before our first look: nothing is made here', async () => {
    const desk = await openDesk();
    const remoteId = desk.system.plant({ name: 'Ann' });
    const id = await desk.born(remoteId);
    desk.system.erase(remoteId);
    await desk.settle(id);
    expect(await desk.row(id)).toBeNull();
    expect(await desk.link(id)).toMatchObject({ state: 'void', outcome: 'deleted' });
  });

  test('values longer than the API accepts are taken as they are', async () => {
    const desk = await openDesk();
    const fields = { name: 'Ann '.repeat(300).trim(), email: freshMail() };
    const id = await desk.born(desk.system.plant(fields));
    await desk.settle(id);
    expect(await desk.row(id)).toEqual(fields);
  });
});

describe('recognised by its e-mail', () => {
  test.each(['heard of', 'not heard of'])(
    'I5: deleted there before the next look, %s: our record, never agreed with it, lives on and is created there anew',
    async (heard) => {
      const desk = await openDesk();
      const email = freshMail();
      const id = await desk.insert({ name: 'Ann', email });
      const remoteId = desk.system.plant({ name: 'Anne', email });
      await desk.settle(await desk.born(remoteId));
      expect(await desk.link(id)).toMatchObject({ remote_id: remoteId, state: 'reserved' });
      desk.system.erase(remoteId);
      if (heard === 'heard of') await desk.hear(desk.system);
      await desk.rest();
      expect(await desk.row(id)).toEqual({ name: 'Ann', email });
      expect(desk.system.living()).toMatchObject([[expect.anything(), { fields: { name: 'Ann', email } }]]);
      expect(await desk.links(id)).toMatchObject([
        { generation: 1, state: 'retired', remote_id: remoteId },
        { generation: 2, state: 'linked', outcome: 'in_sync' },
      ]);
      expect(await desk.lost(id)).toEqual([]);
    },
  );

  test('failure 61: exactly one record here has it and no object there: they are linked, whatever the writing', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const id = await desk.insert({ name: 'Ann', email });
    const remoteId = desk.system.plant({ name: 'Ann', email: ` ${email.toUpperCase()}` });
    const reserved = await desk.born(remoteId);
    await desk.settle(reserved);
    await desk.settle(id);
    expect(await desk.links(reserved)).toEqual([]);
    expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync', remote_id: remoteId });
    expect(desk.system.writes()).toEqual([]);
    expect(desk.system.living()).toHaveLength(1);
    expect(await desk.row(reserved)).toBeNull();
  });

  test.each([
    ['local', 'Ann'],
    ['remote', 'Anne'],
  ] as const)(
    'created on both sides with different names, policy %s: %s stands on both',
    async (onConflict, winner) => {
      const desk = await openDesk({ onConflict });
      const email = freshMail();
      const id = await desk.insert({ name: 'Ann', email });
      const remoteId = desk.system.plant({ name: 'Anne', email });
      await desk.settle(await desk.born(remoteId));
      await desk.settle(id);
      expect(await desk.row(id)).toEqual({ name: winner, email });
      expect(desk.system.object(remoteId).fields).toEqual({ name: winner, email });
      expect(await desk.lost(id)).toMatchObject([
        { field: 'name', ours: 'Ann', theirs: 'Anne', winner: onConflict },
      ]);
    },
  );

  test('created on both sides, the name only there: it comes here without a conflict', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const id = await desk.insert({ email });
    await desk.settle(await desk.born(desk.system.plant({ name: 'Ann', email })));
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: 'Ann' });
    expect(await desk.lost(id)).toEqual([]);
    expect(desk.system.writes()).toEqual([]);
  });

  test('two records here have it: it is its own record, marked as a possible duplicate', async () => {
    const desk = await openDesk();
    const email = freshMail();
    await desk.insert({ name: 'Ann', email });
    await desk.insert({ name: 'Anna', email });
    const id = await desk.born(desk.system.plant({ name: 'Anne', email }));
    await desk.settle(id);
    expect(await desk.row(id)).toEqual({ name: 'Anne', email });
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', possible_duplicate: true });
  });

  test('the one record that has it stands there already: a possible duplicate', async () => {
    const desk = await openDesk();
    const email = freshMail();
    await desk.synced({ name: 'Ann', email });
    const id = await desk.born(desk.system.plant({ name: 'Ann', email }));
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', possible_duplicate: true });
  });

  test('the one record that has it is being created there right now: a possible duplicate, no object is shared', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const id = await desk.insert({ name: 'Ann', email });
    desk.system.fail('create', { failure: failureOf('unavailable'), when: 'before' });
    await desk.settle(id);
    const other = await desk.born(desk.system.plant({ name: 'Ann', email }));
    await desk.settle(other);
    await desk.settle(id);
    expect(await desk.link(other)).toMatchObject({ possible_duplicate: true });
    expect((await desk.link(id)).remote_id).not.toBe((await desk.link(other)).remote_id);
  });

  test('objects without an e-mail are recognised as nobody', async () => {
    const desk = await openDesk();
    await desk.insert({ name: 'Ann', email: null });
    const id = await desk.born(desk.system.plant({ name: 'Ann' }));
    await desk.settle(id);
    expect(await desk.row(id)).toEqual({ name: 'Ann', email: null });
  });

  test('I2: two objects with one new e-mail are looked at side by side: two records, of which one is marked', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const ids = await Promise.all([1, 2].map(() => desk.born(desk.system.plant({ name: 'Ann', email }))));
    await Promise.all(ids.map((id) => desk.settle(id)));
    const marks = await Promise.all(ids.map(async (id) => (await desk.link(id)).possible_duplicate));
    expect(marks.toSorted()).toEqual([false, true]);
  });
});

describe('an object that carries the mark of a record', () => {
  test('failure 58: copied to another object: that one parks, and the owner stays as it is', async () => {
    const desk = await openDesk();
    const owner = await desk.synced({ name: 'Ann', email: freshMail() });
    const id = await desk.born(desk.system.plant({ name: 'Anne', email: freshMail() }, desk.mark(owner.id)));
    await desk.settle(id);
    expect(await desk.row(id)).toBeNull();
    expect(await desk.link(id)).toMatchObject({ outcome: 'parked', reason: { code: 'claims_record' } });
    expect(await desk.link(owner.id)).toMatchObject({ outcome: 'in_sync', remote_id: owner.remoteId });
  });

  test('failure 58: once the mark is taken off it becomes a record of its own', async () => {
    const desk = await openDesk();
    const owner = await desk.synced({ name: 'Ann', email: freshMail() });
    const fields = { name: 'Anne', email: freshMail() };
    const remoteId = desk.system.plant(fields, desk.mark(owner.id));
    const id = await desk.born(remoteId);
    await desk.settle(id);
    desk.system.mark(remoteId, {});
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.row(id)).toEqual(fields);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
  });

  test('failure 18: heard of before the create call returned: the reservation is let go and one record stands', async () => {
    const desk = await openDesk();
    const id = await desk.insert({ name: 'Ann', email: freshMail() });
    desk.system.fail('create', { failure: failureOf('unavailable'), when: 'after' });
    await desk.settle(id);
    const [remoteId] = desk.system.living()[0]!;
    const reserved = await desk.born(remoteId);
    await desk.settle(reserved);
    expect(await desk.links(reserved)).toEqual([]);
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', remote_id: remoteId });
    expect(await desk.row(reserved)).toBeNull();
    expect(await desk.look(reserved)).toMatchObject({ kind: 'nothing' });
  });

  test('failure 18: reserved at the door while the create call is on its way: its answer takes the object over', async () => {
    const desk = await openDesk();
    const id = await desk.insert({ name: 'Ann', email: freshMail() });
    let reserved = id;
    desk.system.during('create', async () => {
      reserved = await desk.born(desk.system.living()[0]![0]);
    });
    await desk.settle(id);
    await desk.settle(reserved);
    expect(reserved).not.toBe(id);
    expect(await desk.links(reserved)).toEqual([]);
    expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync' });
    expect(await desk.look(reserved)).toMatchObject({ kind: 'nothing' });
  });
});

describe('I16: our own database refuses what came', () => {
  test('a value it cannot hold parks the record and crosses nowhere', async () => {
    const desk = await openDesk();
    const id = await desk.born(desk.system.plant({ name: 'Ann\u0000', email: freshMail() }));
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'parked' });
  });

  test("a rule of the product's own parks the record by the rule's name", async () => {
    const desk = await openDesk();
    await desk.database.query(RULE);
    const id = await desk.born(desk.system.plant({ name: 'Ann of Cleves', email: freshMail() }));
    await desk.settle(id);
    await desk.database.query(NO_RULE);
    expect(await desk.link(id)).toMatchObject({
      outcome: 'parked',
      reason: { code: 'refused_here', detail: 'short' },
    });
  });

  test('an error of our database that quotes a value crosses as its code only', async () => {
    const desk = await openDesk();
    await desk.database.query(`
      create function counterpart_quotes() returns trigger language plpgsql as $$
        begin raise exception 'the disk is full at % %', new.name, new.email using errcode = 'disk_full'; end $$;
      create trigger quotes before insert on counterpart.customers for each row execute function counterpart_quotes()`);
    const id = await desk.born(desk.system.plant({ name: 'Ann', email: freshMail() }));
    const looked = await desk.settle(id);
    await desk.database.query('drop trigger quotes on counterpart.customers');
    expect(looked.trouble).toMatchObject([{ type: 'OwnTrouble', message: expect.stringContaining('53100') }]);
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync' });
  });

  test('a value the remote altered is refused by such a rule: it parks, and is taken once the rule allows it', async () => {
    const desk = await openDesk();
    desk.system.form = (values) => ({ ...values, name: `${String(values['name'])} of Cleves` });
    const id = await desk.insert({ name: 'Ann', email: freshMail() });
    await desk.database.query(RULE);
    await desk.settle(id);
    await desk.database.query(NO_RULE);
    expect(await desk.link(id)).toMatchObject({
      outcome: 'parked',
      reason: { code: 'refused_here', detail: 'short' },
    });
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: 'Ann of Cleves' });
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
    expect(desk.system.living()).toHaveLength(1);
  });
});
