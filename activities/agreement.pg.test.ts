import { failureOf } from '../src/connectors/memory';
import { desks, freshMail } from './desk-for-tests';

const openDesk = desks();

describe('one side changed', () => {
  test('born here: it is created there with its record id, and agreed', async () => {
    const desk = await openDesk();
    const fields = { name: 'Ann', email: freshMail() };
    const id = await desk.insert(fields);
    expect(await desk.look(id)).toMatchObject({ kind: 'done', trouble: [] });
    expect(desk.system.living()).toMatchObject([[expect.anything(), { fields, marks: desk.mark(id) }]]);
    expect(await desk.link(id)).toMatchObject({
      state: 'linked',
      outcome: 'in_sync',
      reason: null,
      agreed_version: 1,
      base: { name: { ours: 'Ann', theirs: 'Ann' } },
    });
  });

  test('I7: what is in sync stays silent, however often it is looked at', async () => {
    const desk = await openDesk();
    const { id } = await desk.synced({ name: 'Ann', email: freshMail() });
    await desk.hint(id);
    await desk.settle(id);
    expect(desk.system.writes()).toEqual([]);
    expect(await desk.look(id)).toMatchObject({ kind: 'nothing' });
  });

  test('an update sends only the field that changed', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced({ name: 'Ann', email: freshMail() });
    await desk.update(id, { name: 'Anna' });
    await desk.settle(id);
    expect(desk.system.writes()).toMatchObject([{ operation: 'update', remoteId, values: { name: 'Anna' } }]);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', agreed_version: 2 });
  });

  test('edited there: it is taken over here and nothing is sent back', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced({ name: 'Ann', email: freshMail() });
    desk.system.edit(remoteId, { name: 'Anne' });
    await desk.hint(id);
    expect(await desk.settle(id)).toMatchObject({ kind: 'done', steps: [{ direction: 'in' }] });
    expect(await desk.row(id)).toMatchObject({ name: 'Anne' });
    expect(desk.system.writes()).toEqual([]);
  });

  test('a name emptied there is emptied here, and one emptied here is emptied there', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const { id, remoteId } = await desk.synced({ name: 'Ann', email });
    desk.system.edit(remoteId, { name: null });
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.row(id)).toEqual({ name: null, email });
    await desk.update(id, { email: null });
    await desk.settle(id);
    expect(desk.system.object(remoteId).fields).toEqual({ name: null, email: null });
  });

  test('failure 31: blanks and capitals from a form are agreed in one round', async () => {
    const desk = await openDesk();
    const email = freshMail();
    const { id } = await desk.synced({ name: ' Ann ', email: email.toUpperCase() });
    await desk.hint(id);
    await desk.settle(id);
    expect(desk.system.writes()).toEqual([]);
    expect(await desk.row(id)).toEqual({ name: ' Ann ', email: email.toUpperCase() });
  });

  test('failure 31: imported with blanks around it, which the system would refuse: sent without them, at rest in one round', async () => {
    const desk = await openDesk();
    desk.system.refuses = (values) =>
      Object.keys(values).find((field) => /^\s|\s$/.test(String(values[field]))) ?? null;
    const email = freshMail().toUpperCase();
    const { id, remoteId } = await desk.synced({ name: '  Rene\u0301 ', email: `  ${email}\n` });
    expect(desk.system.object(remoteId).fields).toEqual({ name: 'Ren\u00e9', email });
    const edits = [{ email: `\t2${email} ` }, { email: '  ' }];
    for (const edit of edits) {
      await desk.update(id, edit);
      await desk.settle(id);
      await desk.hint(id);
      await desk.settle(id);
      expect(await desk.row(id)).toEqual({ name: '  Rene\u0301 ', ...edit });
      expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
    }
    expect(desk.system.writes().map(({ values }) => values)).toEqual([
      { email: `2${email}` },
      { email: null },
    ]);
    expect(await desk.lost(id)).toEqual([]);
  });
});

describe('both sides changed', () => {
  test('failure 26: the e-mail changed there while the name changed here: both survive', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced({ name: 'Ann', email: freshMail() });
    const email = freshMail();
    await desk.update(id, { name: 'Anna' });
    desk.system.edit(remoteId, { email });
    await desk.settle(id);
    expect(await desk.row(id)).toEqual({ name: 'Anna', email });
    expect(desk.system.object(remoteId).fields).toEqual({ name: 'Anna', email });
    expect(await desk.lost(id)).toEqual([]);
  });

  test('the same change on both sides is agreed without a write', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced({ name: 'Ann', email: freshMail() });
    await desk.update(id, { name: 'Anna' });
    desk.system.edit(remoteId, { name: 'Anna' });
    await desk.settle(id);
    expect(desk.system.writes()).toEqual([]);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', agreed_version: 2 });
  });

  test.each([
    ['local', 'Anna'],
    ['remote', 'Anne'],
  ] as const)(
    'failure 27: the name changed differently, policy %s: %s wins and the other is kept',
    async (onConflict, winner) => {
      const desk = await openDesk({ onConflict });
      const { id, remoteId } = await desk.synced({ name: 'Ann', email: freshMail() });
      await desk.update(id, { name: 'Anna' });
      desk.system.edit(remoteId, { name: 'Anne' });
      await desk.settle(id);
      expect(await desk.row(id)).toMatchObject({ name: winner });
      expect(desk.system.object(remoteId).fields).toMatchObject({ name: winner });
      expect(await desk.lost(id)).toEqual([
        { field: 'name', ours: 'Anna', theirs: 'Anne', winner: onConflict, cause: 'both_edited' },
      ]);
      expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync' });
    },
  );

  test('policy ask: the record parks with one question, other fields go on, and a later look asks nothing twice', async () => {
    const desk = await openDesk({ onConflict: 'ask' });
    const { id, remoteId } = await desk.synced({ name: 'Ann', email: freshMail() });
    const email = freshMail();
    await desk.update(id, { name: 'Anna', email });
    desk.system.edit(remoteId, { name: 'Anne' });
    await desk.settle(id);
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.row(id)).toEqual({ name: 'Anna', email });
    expect(desk.system.object(remoteId).fields).toEqual({ name: 'Anne', email });
    expect(await desk.lost(id)).toHaveLength(1);
    expect(await desk.link(id)).toMatchObject({
      outcome: 'parked',
      reason: { code: 'conflict', field: 'name' },
    });
  });

  test.each(['here', 'there', 'on both sides'])(
    'policy ask: deleted %s: the question ends with the link, and both values are told of still',
    async (where) => {
      const desk = await openDesk({ onConflict: 'ask' });
      const { id, remoteId } = await desk.synced({ name: 'Ann', email: freshMail() });
      await desk.update(id, { name: 'Anna' });
      desk.system.edit(remoteId, { name: 'Anne' });
      await desk.settle(id);
      expect(await desk.link(id)).toMatchObject({ reason: { code: 'conflict' } });
      if (where !== 'there') await desk.remove(id);
      if (where !== 'here') desk.system.erase(remoteId);
      await desk.hint(id);
      await desk.settle(id);
      expect(await desk.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted' });
      const asked = await desk.database.query(
        `select ours, theirs, resolved_at is null as open, resolution from counterpart.conflicts
         where record_id = $1 and winner = 'ask'`,
        [id],
      );
      expect(asked.rows).toEqual([{ ours: 'Anna', theirs: 'Anne', open: false, resolution: null }]);
    },
  );

  test('policy ask: once both sides say the same the question is closed and the record is in sync', async () => {
    const desk = await openDesk({ onConflict: 'ask' });
    const { id, remoteId } = await desk.synced({ name: 'Ann', email: freshMail() });
    await desk.update(id, { name: 'Anna' });
    desk.system.edit(remoteId, { name: 'Anne' });
    await desk.settle(id);
    await desk.update(id, { name: 'Anne' });
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
    const open = await desk.database.query(
      'select 1 from counterpart.conflicts where record_id = $1 and resolved_at is null',
      [id],
    );
    expect(open.rows).toEqual([]);
  });
});

describe('failure 55: the remote alters what we sent', () => {
  test('its form is taken over once, and neither side moves again', async () => {
    const desk = await openDesk();
    desk.system.form = (values) => ({ ...values, name: String(values['name']).slice(0, 8) });
    const { id, remoteId } = await desk.synced({ name: 'Ann Boleyn', email: freshMail() });
    expect(await desk.row(id)).toMatchObject({ name: 'Ann Bole' });
    expect(await desk.lost(id)).toMatchObject([{ field: 'name', ours: 'Ann Boleyn', cause: 'altered' }]);
    await desk.hint(id);
    await desk.settle(id);
    expect(desk.system.writes()).toEqual([]);
    expect(desk.system.object(remoteId).fields).toMatchObject({ name: 'Ann Bole' });
  });

  test('a trigger here gives their form one of its own: the two stand as they are, and neither side moves again', async () => {
    const desk = await openDesk();
    await desk.database.query(`
      create function public.stretch() returns trigger language plpgsql as $$
        begin new.name := rtrim(new.name) || '!'; return new; end $$;
      create trigger stretch before insert or update on counterpart.customers for each row execute function public.stretch()`);
    desk.system.form = (values) => ({ ...values, name: String(values['name']).replace('!', '') });
    const { id } = await desk.synced({ name: 'Ann', email: freshMail() });
    expect(await desk.row(id)).toMatchObject({ name: 'Ann!' });
    for (let looks = 0; looks < 3; looks += 1) {
      await desk.hint(id);
      await desk.settle(id);
    }
    await desk.database.query('drop function public.stretch cascade');
    expect(desk.system.writes()).toEqual([]);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync' });
  });

  test('a value it drops parks the record and is not erased here, also after another look', async () => {
    const desk = await openDesk();
    const { id } = await desk.synced({ name: 'Ann', email: freshMail() });
    desk.system.form = (values) => ({ ...values, name: null });
    await desk.update(id, { name: 'Anna' });
    await desk.settle(id);
    const parked = { outcome: 'parked', reason: { code: 'rejected', field: 'name' } };
    expect(await desk.row(id)).toMatchObject({ name: 'Anna' });
    expect(await desk.link(id)).toMatchObject(parked);
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: 'Anna' });
    expect(desk.system.writes()).toHaveLength(1);
    expect(await desk.link(id)).toMatchObject(parked);
  });

  test.each(['deleted', 'edited'])(
    "I10: %s here before the answer to an earlier look's call came, which drops a value: that is not swallowed",
    async (what) => {
      const desk = await openDesk();
      desk.system.form = (values) => ({ ...values, name: null });
      const id = await desk.insert({ name: 'Ann', email: freshMail() });
      desk.system.fail('create', { failure: failureOf('unavailable'), when: 'after' });
      await desk.settle(id);
      const email = freshMail();
      if (what === 'deleted') await desk.remove(id);
      else await desk.update(id, { email });
      await desk.settle(id);
      const standing = desk.system.living().map(([, { fields }]) => fields['email']);
      expect(standing).toEqual(what === 'deleted' ? [] : [email]);
      if (what === 'edited')
        expect(await desk.link(id)).toMatchObject({ outcome: 'parked', reason: { field: 'name' } });
    },
  );

  test('a dropped value is healed by the next edit', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced({ name: 'Ann', email: freshMail() });
    desk.system.form = (values) => ({ ...values, name: null });
    await desk.update(id, { name: 'Anna' });
    await desk.settle(id);
    desk.system.form = (values) => values;
    await desk.update(id, { name: 'Anne' });
    await desk.settle(id);
    expect(desk.system.object(remoteId).fields).toMatchObject({ name: 'Anne' });
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
  });
});
