import type { RecordId } from '../core/ids';
import { removeExpired } from './housekeeping';
import { present, expectReplayed, replay, timelineOf } from './replay-for-tests';
import { beginLook, benches, CUSTOMER, openLink, remoteId, STRIPE } from './store-for-tests';

const bench = benches();
const run = (sql: string, values: readonly unknown[] = []) => bench().database.query(sql, values);
const entriesOf = (id: RecordId) => timelineOf(bench().database, id);
const changesOf = async (id: RecordId) =>
  (await entriesOf(id)).map(({ detail, version, changes }) => ({ does: detail['does'], version, changes }));

let events = 0;
const heard = (recordId: RecordId | null, id = `evt_${(events += 1)}`) => ({
  connection: STRIPE,
  id,
  type: 'customer.updated',
  catalog: CUSTOMER,
  remoteId: remoteId('cus_1'),
  recordId,
  createdAt: 1_700_000_000,
  source: 'webhook' as const,
  result: 'queued' as const,
});

describe('I18: who writes here need not know of it', () => {
  test('SQL: each change with what it changed, from and to', async () => {
    const id = await bench().insert({ name: 'Ann' });
    await run(
      `update counterpart.customers set email = 'ann@example.com', created_at = now() where id = $1`,
      [id],
    );
    await run('update counterpart.customers set name = name where id = $1', [id]);
    await run('delete from counterpart.customers where id = $1', [id]);
    await bench().insert({ id, name: 'Ann', email: null });
    expect(await changesOf(id)).toEqual([
      { does: 'create', version: 1, changes: { name: [null, 'Ann'], email: [null, null] } },
      { does: 'edit', version: 2, changes: { email: [null, 'ann@example.com'] } },
      { does: 'delete', version: 3, changes: {} },
      { does: 'restore', version: 4, changes: { email: ['ann@example.com', null] } },
    ]);
  });

  test('an upsert, and a statement over many rows', async () => {
    const id = await bench().insert({ name: 'Ann' });
    const upsert = `insert into counterpart.customers (id, name) values ($1, 'Anna') on conflict (id) do update set name = 'Anna'`;
    await run(upsert, [id]);
    await run(
      `insert into counterpart.customers (name) select 'many ' || n from generate_series(1, 50) as n`,
    );
    await run(`update counterpart.customers set name = 'one of ' || name where name like 'many%'`);
    await run(`delete from counterpart.customers where name like 'one of%'`);
    expect((await changesOf(id)).map(({ does }) => does)).toEqual(['create', 'edit']);
    await expectReplayed(bench().database);
  });

  test('what is rolled back, and what changes nothing, is not told', async () => {
    const id = await bench().insert();
    const { length } = await entriesOf(id);
    const rolledBack = bench().database.transact(async (sql) => {
      await sql.query(`update counterpart.customers set name = 'Anna' where id = $1`, [id]);
      throw new Error('rolled back');
    });
    await expect(rolledBack).rejects.toThrow('rolled back');
    expect(await entriesOf(id)).toHaveLength(length);
  });

  test('a link that only changes hands is one look, not an entry per attempt', async () => {
    const { link, lookId } = await openLink(bench());
    const { length } = await entriesOf(link.recordId);
    await bench().store.links.takeFence(link.id, lookId);
    await bench().store.links.takeFence(link.id, lookId);
    expect(await entriesOf(link.recordId)).toHaveLength(length);
    await beginLook(bench(), link);
    expect((await entriesOf(link.recordId)).slice(length)).toMatchObject([{ kind: 'look' }]);
  });

  test('the same decision made by two attempts is told twice', async () => {
    const { link, lookId } = await openLink(bench());
    const decision = { what: 'edited/edited merge', requestId: 'req_1' };
    await bench().store.links.writeFenced(link.id, link.fence, { decision });
    const again = (await bench().store.links.takeFence(link.id, lookId))!;
    await bench().store.links.writeFenced(link.id, again.fence, { decision });
    const told = (await entriesOf(link.recordId)).filter(({ kind }) => kind === 'decision');
    expect(told).toMatchObject([
      { requestId: 'req_1', detail: { what: decision.what } },
      { requestId: 'req_1' },
    ]);
  });

  test('an event is told once, with its hint or without, and only of a record', async () => {
    const id = await bench().insert();
    const event = heard(id);
    expect(await bench().store.events.storeEvent(event, 'webhook')).toBe(true);
    expect(await bench().store.events.storeEvent(event, 'webhook')).toBe(false);
    expect(await bench().store.events.storeEvent(heard(null), null)).toBe(true);
    const told = (await entriesOf(id)).filter(({ kind }) => kind === 'event' || kind === 'hint');
    expect(told).toMatchObject([
      { kind: 'event', connection: STRIPE, detail: { event: event.id, result: 'queued' } },
    ]);
  });

  test('a reservation that is let go leaves nothing standing', async () => {
    const id = remoteId('cus_let_go');
    const born = { connection: STRIPE, catalog: CUSTOMER, remoteId: id, deleted: false };
    const { recordId } = await bench().store.links.reserveForRemote(born);
    await bench().store.links.releaseReservation(STRIPE, CUSTOMER, id);
    expect(replay(await entriesOf(recordId))).toMatchObject({ links: {}, gaps: [] });
  });

  test('a write with the triggers off is a gap, and the replay names it', async () => {
    const id = await bench().insert({ name: 'Ann' });
    await run('alter table counterpart.customers disable trigger user');
    await run(`update counterpart.customers set name = 'Unseen' where id = $1`, [id]);
    await run('alter table counterpart.customers enable trigger user');
    expect(replay(await entriesOf(id)).record).not.toEqual((await present(bench().database, id)).record);
    await run(`update counterpart.customers set name = 'Seen' where id = $1`, [id]);
    expect(replay(await entriesOf(id)).gaps).toEqual([
      expect.stringMatching(/name was something else before/),
    ]);
    await run('delete from counterpart.timeline where record_id = $1', [id]);
  });

  test('a link that is written with the triggers off does not replay to what stands', async () => {
    const { link } = await openLink(bench());
    const stands = async () => (await present(bench().database, link.recordId)).links;
    const replayed = async () => replay(await entriesOf(link.recordId)).links;
    expect(await replayed()).toEqual(await stands());
    await run('alter table counterpart.links disable trigger user');
    await run(`update counterpart.links set base = '{"name": {"ours": "A", "theirs": "B"}}' where id = $1`, [
      link.id,
    ]);
    await run('alter table counterpart.links enable trigger user');
    expect(await replayed()).not.toEqual(await stands());
    await run('delete from counterpart.timeline where record_id = $1', [link.recordId]);
  });
});

describe('kept for a while', () => {
  const olderBy = (id: RecordId, days: number, entries: number) =>
    run(
      `update counterpart.timeline set at = at - $2 * interval '1 day' where seq = any(array(
         select seq from counterpart.timeline where record_id = $1 order by seq limit $3))`,
      [id, days, entries],
    );
  async function removeAll(): Promise<void> {
    while ((await removeExpired(bench().database)) > 0);
  }

  test('35 days; what is left still leads to what stands', async () => {
    const id = await bench().insert({ name: 'Ann', email: 'ann@example.com' });
    for (const name of ['Anna', 'Anne'])
      await run('update counterpart.customers set name = $2 where id = $1', [id, name]);
    const quiet = await bench().insert();
    await olderBy(id, 36, 1);
    await olderBy(quiet, 36, 1);
    await olderBy(id, 34, 1);
    await removeAll();
    expect(await changesOf(quiet)).toEqual([]);
    const left = await entriesOf(id);
    expect(left.map(({ version }) => version)).toEqual([2, 3]);
    const replayed = replay(left, false);
    expect(replayed).toMatchObject({
      record: { stands: 'here', version: 3, fields: { name: 'Anne' } },
      gaps: [],
    });
  });

  test('about 500 entries of one record, the newest; others keep all of theirs', async () => {
    const [busy, calm] = [await bench().insert({ name: 'busy' }), await bench().insert({ name: 'calm' })];
    for (let edits = 0; edits < 560; edits += 1) {
      await run('update counterpart.customers set name = $2 where id = $1', [busy, `busy ${edits}`]);
    }
    await removeAll();
    const left = await entriesOf(busy);
    expect(left).toHaveLength(500);
    expect(left.at(-1)!.changes).toEqual({ name: ['busy 558', 'busy 559'] });
    expect(replay(left, false).gaps).toEqual([]);
    expect(await entriesOf(calm)).toHaveLength(1);
  });
});
