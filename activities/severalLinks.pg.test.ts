/** Three systems and one record: what each of them is told, who wins, and what a dead one holds up (nothing). */
import { readSync } from '../src/store/syncState';
import { failureOf } from '../src/connectors/memory';
import type { MemorySystem } from '../src/connectors/memory';
import { parseConnectionName, trusted } from '../src/core/ids';
import type { Fields } from '../src/core/fields';
import type { RecordId, RemoteId } from '../src/core/ids';
import { CRM, desks, freshMail, newSystem, STRIPE } from './desk-for-tests';
import type { Desk, DeskOptions } from './desk-for-tests';

const openDesk = desks();
const ERP = trusted(parseConnectionName('erp'), 'connection name');
const NAMES = [STRIPE, CRM, ERP] as const;
const DOWN = failureOf('unavailable', { code: 'ECONNREFUSED' });
const fields = () => ({ name: 'Ann', email: freshMail() });

interface Three {
  readonly desk: Desk;
  readonly stripe: MemorySystem;
  readonly crm: MemorySystem;
  readonly erp: MemorySystem;
}

/** Three systems, in this order of rank. */
async function open3(options: DeskOptions = {}): Promise<Three> {
  const [crm, erp] = [newSystem(CRM), newSystem(ERP)];
  const desk = await openDesk({ ...options, others: [crm, erp] });
  return { desk, stripe: desk.system, crm, erp };
}

/** A customer that stands here and in all three. */
async function standing(desk: Desk, values: Fields = fields()): Promise<RecordId> {
  const { id } = await desk.synced(values);
  await deliver(desk);
  for (const system of desk.systems) system.calls.length = 0;
  return id;
}

/** Every event of every system comes in again, and everything is looked at. */
async function deliver(desk: Desk): Promise<void> {
  for (const system of desk.systems) if (system.outage === null) await desk.hear(system);
  await desk.rest();
}

/** What each system has of the customers that stand there. */
function there(desk: Desk): Fields[][] {
  return desk.systems.map((system) => system.living().map(([, object]) => object.fields));
}

function everywhere(desk: Desk, values: Fields): Fields[][] {
  return desk.systems.map(() => [values]);
}

function idIn(system: MemorySystem): RemoteId {
  return system.living()[0]![0];
}

async function states(desk: Desk, id: RecordId): Promise<Record<string, string>> {
  const live = (await desk.row(id)) !== null;
  const entries = (await readSync(desk.database, [{ id, live }])).get(id) ?? [];
  return Object.fromEntries(
    entries.map(({ connection, state, reason }) => [
      connection,
      reason === null ? state : `${state}: ${reason.code}`,
    ]),
  );
}

const ALL_IN_SYNC = { stripe: 'in_sync', crm: 'in_sync', erp: 'in_sync' };

/** I7: everything is delivered and looked at once more, and nobody is sent anything. */
async function expectSilence(desk: Desk, id: RecordId): Promise<void> {
  const written = desk.systems.map((system) => system.writes().length);
  await deliver(desk);
  await desk.hint(id);
  await desk.rest();
  expect(desk.systems.map((system) => system.writes().length)).toEqual(written);
}

describe('one change reaches everybody', () => {
  test('created here: one customer in each, with our mark, and I7: nothing more is ever sent', async () => {
    const { desk } = await open3();
    const before = fields();
    const id = await desk.insert(before);
    await desk.rest();
    expect(desk.systems.map((system) => system.living())).toMatchObject(
      NAMES.map(() => [[expect.anything(), { fields: before, marks: desk.mark(id) }]]),
    );
    expect(await states(desk, id)).toEqual(ALL_IN_SYNC);
    await expectSilence(desk, id);
  });

  test.each(NAMES)('I2: born in %s: one record here, one customer in each of the others', async (name) => {
    const { desk } = await open3();
    const born = desk.systems.find((system) => system.name === name)!;
    const before = fields();
    born.plant(before);
    await deliver(desk);
    expect(there(desk)).toEqual(everywhere(desk, before));
    expect(born.writes()).toEqual([]);
    const { rows } = await desk.database.query<{ id: RecordId }>(
      'select id from counterpart.customers where email = $1',
      [before.email],
    );
    expect(rows).toHaveLength(1);
    expect(await states(desk, rows[0]!.id)).toEqual(ALL_IN_SYNC);
    await expectSilence(desk, rows[0]!.id);
  });

  test('failure 61: signed up in two of them at once, seen before the first is copied: one record, one customer in each', async () => {
    const { desk, stripe, crm } = await open3();
    const before = fields();
    const [first, second] = [
      await desk.born(stripe.plant(before), STRIPE),
      await desk.born(crm.plant(before), CRM),
    ];
    await desk.look(first);
    await desk.settle(second);
    await deliver(desk);
    expect(await desk.row(second)).toBeNull();
    expect(there(desk)).toEqual(everywhere(desk, before));
    expect(await states(desk, first)).toEqual(ALL_IN_SYNC);
    await expectSilence(desk, first);
  });

  test('failure 61: seen after the first was copied there: two records, of which the second is marked', async () => {
    const { desk, stripe, crm } = await open3();
    const before = fields();
    stripe.plant(before);
    await deliver(desk);
    const second = await desk.born(crm.plant(before), CRM);
    await deliver(desk);
    expect(await desk.row(second)).toEqual(before);
    expect(await desk.links(second)).toContainEqual(
      expect.objectContaining({ connection: CRM, possible_duplicate: true }),
    );
    expect(there(desk)).toEqual(desk.systems.map(() => [before, before]));
    await expectSilence(desk, second);
  });

  test('edited in one: the others are sent that field alone, and the echoes cause nothing', async () => {
    const { desk, stripe, crm, erp } = await open3();
    const id = await standing(desk);
    crm.edit(idIn(crm), { name: 'Anne' });
    await deliver(desk);
    expect(await desk.row(id)).toMatchObject({ name: 'Anne' });
    for (const system of [stripe, erp]) {
      expect(system.writes()).toMatchObject([{ operation: 'update', values: { name: 'Anne' } }]);
    }
    expect(crm.writes()).toEqual([]);
    await expectSilence(desk, id);
  });

  test('failure 26: each field edited in another one: all edits stand everywhere', async () => {
    const { desk, crm, erp } = await open3();
    const id = await standing(desk);
    const email = freshMail();
    crm.edit(idIn(crm), { name: 'Anne' });
    erp.edit(idIn(erp), { email });
    await deliver(desk);
    expect(there(desk)).toEqual(everywhere(desk, { name: 'Anne', email }));
    expect(await desk.row(id)).toEqual({ name: 'Anne', email });
    expect(await desk.lost(id)).toEqual([]);
    expect(await states(desk, id)).toEqual(ALL_IN_SYNC);
  });

  test('a form of its own that one of them gives a value is taken over once and stands in all', async () => {
    const { desk, erp } = await open3();
    erp.form = (values) => ({ ...values, name: String(values['name']).slice(0, 3) });
    const email = freshMail();
    const id = await desk.insert({ name: 'Annabel', email });
    await deliver(desk);
    expect(there(desk)).toEqual(everywhere(desk, { name: 'Ann', email }));
    expect(await desk.lost(id)).toMatchObject([{ ours: 'Annabel', theirs: 'Ann', cause: 'altered' }]);
    await expectSilence(desk, id);
  });
});

const ORDERS = [
  [STRIPE, CRM, ERP],
  [STRIPE, ERP, CRM],
  [CRM, STRIPE, ERP],
  [CRM, ERP, STRIPE],
  [ERP, STRIPE, CRM],
  [ERP, CRM, STRIPE],
] as const;

describe.each(ORDERS)('I8 and I12, with the links tended in the order %s, %s, %s', (...order) => {
  test.each(['local', 'remote'] as const)(
    'two edited the same field, policy %s: the higher rank wins and the other value is kept',
    async (onConflict) => {
      const { desk, crm, erp } = await open3({ order, onConflict });
      const id = await standing(desk);
      crm.edit(idIn(crm), { name: 'Anne' });
      erp.edit(idIn(erp), { name: 'Annika' });
      await deliver(desk);
      expect(await desk.row(id)).toMatchObject({ name: 'Anne' });
      expect(there(desk).flat()).toMatchObject(NAMES.map(() => ({ name: 'Anne' })));
      const kept = await desk.lost(id);
      expect(kept).toHaveLength(1);
      expect(JSON.stringify(kept)).toContain('Annika');
      expect(await states(desk, id)).toEqual(ALL_IN_SYNC);
      await expectSilence(desk, id);
    },
  );

  test.each([
    ['local', 'Anna'],
    ['remote', 'Annabel'],
  ] as const)(
    'all three and we edited the same field, policy %s: %s stands everywhere',
    async (onConflict, winner) => {
      const { desk, stripe, crm, erp } = await open3({ order, onConflict });
      const id = await standing(desk);
      await desk.update(id, { name: 'Anna' });
      stripe.edit(idIn(stripe), { name: 'Annabel' });
      crm.edit(idIn(crm), { name: 'Anne' });
      erp.edit(idIn(erp), { name: 'Annika' });
      await deliver(desk);
      expect(await desk.row(id)).toMatchObject({ name: winner });
      expect(there(desk).flat()).toMatchObject(NAMES.map(() => ({ name: winner })));
      const kept = JSON.stringify(await desk.lost(id));
      for (const name of ['Anna', 'Annabel', 'Anne', 'Annika']) {
        if (name !== winner) expect(kept).toContain(`"${name}"`);
      }
      await expectSilence(desk, id);
    },
  );

  test('the highest and the lowest wrote the same, the one between them another: the same stands everywhere', async () => {
    const { desk, stripe, crm, erp } = await open3({ order });
    const id = await standing(desk);
    for (const system of [stripe, erp]) system.edit(idIn(system), { name: 'Anne' });
    crm.edit(idIn(crm), { name: 'Annika' });
    await deliver(desk);
    expect(await desk.row(id)).toMatchObject({ name: 'Anne' });
    expect(there(desk).flat()).toMatchObject(NAMES.map(() => ({ name: 'Anne' })));
    await expectSilence(desk, id);
  });

  test.each(['local', 'remote'] as const)(
    'we and one of higher rank wrote the same, a lower one another, policy %s: the same stands everywhere',
    async (onConflict) => {
      const { desk, crm, erp } = await open3({ order, onConflict });
      const id = await standing(desk);
      await desk.update(id, { name: 'Anne' });
      crm.edit(idIn(crm), { name: 'Anne' });
      erp.edit(idIn(erp), { name: 'Annika' });
      await deliver(desk);
      expect(await desk.row(id)).toMatchObject({ name: 'Anne' });
      expect(there(desk).flat()).toMatchObject(NAMES.map(() => ({ name: 'Anne' })));
      await expectSilence(desk, id);
    },
  );

  test('I3: two edited the same field and the policy is to ask: a person is asked, and neither value is overwritten', async () => {
    const { desk, crm, erp } = await open3({ order, onConflict: 'ask' });
    const id = await standing(desk);
    crm.edit(idIn(crm), { name: 'Anne' });
    erp.edit(idIn(erp), { name: 'Annika' });
    await deliver(desk);
    expect([crm, erp].map((system) => system.object(idIn(system)).fields['name'])).toEqual([
      'Anne',
      'Annika',
    ]);
    const parked = Object.values(await states(desk, id)).filter((state) => state === 'parked: conflict');
    expect(parked).toHaveLength(1);
    expect(await desk.lost(id)).toMatchObject([{ winner: 'ask' }]);
  });

  test('I6: deleted in one while another edited: it is gone everywhere, and the edit is kept', async () => {
    const { desk, crm, erp } = await open3({ order });
    const id = await standing(desk);
    erp.erase(idIn(erp));
    crm.edit(idIn(crm), { name: 'Anne' });
    await deliver(desk);
    expect(await desk.row(id)).toBeNull();
    expect(there(desk)).toEqual([[], [], []]);
    expect(JSON.stringify(await desk.lost(id))).toContain('Anne');
    await expectSilence(desk, id);
  });
});

describe('failure 64 and I15: one of them is down', () => {
  test('the others get the change in the same look, and the state names the one that is waited for', async () => {
    const { desk, stripe, crm, erp } = await open3();
    const id = await standing(desk);
    crm.outage = DOWN;
    await desk.update(id, { name: 'Anna' });
    await desk.look(id);
    for (const system of [stripe, erp]) {
      expect(system.object(idIn(system)).fields).toMatchObject({ name: 'Anna' });
    }
    expect(await states(desk, id)).toEqual({ ...ALL_IN_SYNC, crm: 'waiting: unavailable' });
    crm.outage = null;
    await desk.settle(id);
    expect(there(desk).flat()).toMatchObject(NAMES.map(() => ({ name: 'Anna' })));
    expect(await states(desk, id)).toEqual(ALL_IN_SYNC);
    await expectSilence(desk, id);
  });

  test('born while it is down: it stands here and in the third, and in the one exactly once when it is back', async () => {
    const { desk, stripe, crm } = await open3();
    crm.outage = DOWN;
    const before = fields();
    stripe.plant(before);
    await deliver(desk);
    expect(there(desk)).toEqual([[before], [], [before]]);
    crm.outage = null;
    await desk.database.query(`update counterpart.work_queue set waiting_on = '{}'`);
    await deliver(desk);
    expect(there(desk)).toEqual(everywhere(desk, before));
  });

  test('two were edited at once: both edits stand in both, and it gets them when it is back', async () => {
    const { desk, stripe, crm, erp } = await open3();
    const id = await standing(desk);
    crm.outage = DOWN;
    const email = freshMail();
    stripe.edit(idIn(stripe), { name: 'Anne' });
    erp.edit(idIn(erp), { email });
    await deliver(desk);
    const both = { name: 'Anne', email };
    expect([stripe, erp].map((system) => system.object(idIn(system)).fields)).toEqual([both, both]);
    expect(await states(desk, id)).toEqual({ ...ALL_IN_SYNC, crm: 'waiting: unavailable' });
    crm.outage = null;
    await desk.settle(id);
    expect(there(desk)).toEqual(everywhere(desk, both));
    await expectSilence(desk, id);
  });

  test.each([
    ['the highest rank', STRIPE, 'Annika'],
    ['the lowest rank', ERP, 'Anne'],
  ] as const)(
    'I8: the one that was down is of %s and comes back with an edit of its own: the rank decides as if it had been there',
    async (_, name, winner) => {
      const { desk, crm } = await open3();
      const id = await standing(desk);
      const away = desk.systems.find((system) => system.name === name)!;
      away.outage = DOWN;
      away.edit(idIn(away), { name: 'Annika' });
      crm.edit(idIn(crm), { name: 'Anne' });
      await deliver(desk);
      expect(await desk.row(id)).toMatchObject({ name: 'Anne' });
      away.outage = null;
      await deliver(desk);
      expect(await desk.row(id)).toMatchObject({ name: winner });
      expect(there(desk).flat()).toMatchObject(NAMES.map(() => ({ name: winner })));
      expect(await desk.lost(id)).toHaveLength(1);
      await expectSilence(desk, id);
    },
  );

  test('I17: the answer to its create is lost and it stays down for a day: one customer in each', async () => {
    const { desk, erp } = await open3();
    const before = fields();
    const id = await desk.insert(before);
    erp.fail('create', { failure: DOWN, when: 'after' });
    await desk.settle(id);
    erp.outage = DOWN;
    await desk.hoursPass(id, 25);
    await desk.settle(id);
    expect(await states(desk, id)).toEqual({ ...ALL_IN_SYNC, erp: 'waiting: unavailable' });
    erp.outage = null;
    await deliver(desk);
    await desk.settle(id);
    expect(there(desk)).toEqual(everywhere(desk, before));
  });

  test('I6: deleted here meanwhile: gone in the others at once, in the one when it is back, and its edit is kept', async () => {
    const { desk, stripe, crm, erp } = await open3();
    const id = await standing(desk);
    erp.outage = DOWN;
    erp.edit(idIn(erp), { name: 'Annika' });
    await desk.remove(id);
    await desk.settle(id);
    expect([stripe, crm].map((system) => system.living())).toEqual([[], []]);
    expect(await states(desk, id)).toEqual({
      stripe: 'deleted',
      crm: 'deleted',
      erp: 'waiting: unavailable',
    });
    erp.outage = null;
    await deliver(desk);
    await desk.settle(id);
    expect(there(desk)).toEqual([[], [], []]);
    expect(JSON.stringify(await desk.lost(id))).toContain('Annika');
    await expectSilence(desk, id);
  });
});

describe('I15: one of them refuses', () => {
  test('a value: it parks there with its field, and the others have it', async () => {
    const { desk, stripe, crm, erp } = await open3();
    const id = await standing(desk);
    crm.refuses = () => 'name';
    await desk.update(id, { name: 'Anna' });
    await desk.rest();
    for (const system of [stripe, erp]) {
      expect(system.object(idIn(system)).fields).toMatchObject({ name: 'Anna' });
    }
    expect(await states(desk, id)).toEqual({ ...ALL_IN_SYNC, crm: 'parked: rejected' });
  });

  test('the key: that connection alone is paused, and what it missed arrives when it is resumed', async () => {
    const { desk, stripe, crm, erp } = await open3();
    const id = await standing(desk);
    crm.outage = failureOf('unauthorized', { status: 401 });
    await desk.update(id, { name: 'Anna' });
    await desk.settle(id);
    await desk.update(id, { name: 'Anne' });
    await desk.settle(id);
    for (const system of [stripe, erp]) {
      expect(system.object(idIn(system)).fields).toMatchObject({ name: 'Anne' });
    }
    expect(await states(desk, id)).toEqual({ ...ALL_IN_SYNC, crm: 'paused: unauthorized' });
    crm.outage = null;
    await desk.store.connections.resume(CRM);
    expect(await desk.store.queue.releaseWaiting(CRM)).toBe(1);
    await desk.rest();
    expect(there(desk).flat()).toMatchObject(NAMES.map(() => ({ name: 'Anne' })));
  });

  test('too many requests: it waits, the others do not, and nothing is sent twice', async () => {
    const { desk, stripe, crm, erp } = await open3();
    const id = await standing(desk);
    crm.fail('update', { failure: failureOf('rate-limited', { retryAfterMs: 1_000 }), when: 'before' });
    await desk.update(id, { name: 'Anna' });
    await desk.settle(id);
    for (const system of [stripe, erp]) expect(system.writes()).toHaveLength(1);
    expect(await states(desk, id)).toEqual({ ...ALL_IN_SYNC, crm: 'waiting: rate_limited' });
    await desk.settle(id);
    expect(there(desk).flat()).toMatchObject(NAMES.map(() => ({ name: 'Anna' })));
    expect([stripe, erp].map((system) => system.writes().length)).toEqual([1, 1]);
  });
});

describe('deletions and restores', () => {
  test.each(NAMES)(
    'I6: deleted in %s: deleted here and in the others, and late events revive nobody',
    async (name) => {
      const { desk } = await open3();
      const id = await standing(desk);
      const gone = desk.systems.find((system) => system.name === name)!;
      gone.erase(idIn(gone));
      await deliver(desk);
      expect(await desk.row(id)).toBeNull();
      expect(there(desk)).toEqual([[], [], []]);
      expect(gone.writes()).toEqual([]);
      expect(await states(desk, id)).toEqual({ stripe: 'deleted', crm: 'deleted', erp: 'deleted' });
      await expectSilence(desk, id);
    },
  );

  test('restored: a new customer in each, and the old ones stay gone', async () => {
    const { desk } = await open3();
    const before = fields();
    const id = await standing(desk, before);
    const old = desk.systems.map(idIn);
    await desk.remove(id);
    await deliver(desk);
    await desk.insert(before, id);
    await deliver(desk);
    expect(there(desk)).toEqual(everywhere(desk, before));
    expect(desk.systems.map(idIn)).not.toEqual(old);
    expect(await states(desk, id)).toEqual(ALL_IN_SYNC);
    const links = await desk.links(id);
    expect(links.map(({ generation, state }) => [generation, state])).toEqual([
      ...NAMES.map(() => [1, 'retired']),
      ...NAMES.map(() => [2, 'linked']),
    ]);
    await expectSilence(desk, id);
  });

  test('restored while one is still down with its deletion: a new customer in each, the old one goes first', async () => {
    const { desk, erp } = await open3();
    const before = fields();
    const id = await standing(desk, before);
    const old = idIn(erp);
    erp.fail('remove', { failure: DOWN, when: 'after' });
    await desk.remove(id);
    await desk.settle(id);
    erp.outage = DOWN;
    await desk.insert(before, id);
    await desk.settle(id);
    erp.outage = null;
    await desk.settle(id);
    await deliver(desk);
    expect(there(desk)).toEqual(everywhere(desk, before));
    expect(erp.object(old).state).toBe('deleted');
  });
});

test('a value that came from a connection which is not configured any more counts as ours', async () => {
  const { desk, crm, erp } = await open3({ onConflict: 'remote' });
  const id = await standing(desk);
  crm.outage = DOWN;
  crm.edit(idIn(crm), { name: 'Annika' });
  erp.edit(idIn(erp), { name: 'Anne' });
  await deliver(desk);
  expect(await desk.row(id)).toMatchObject({ name: 'Anne' });
  await desk.database.query(
    `update counterpart.links set connection = 'closed' where record_id = $1 and connection = 'erp'`,
    [id],
  );
  crm.outage = null;
  await desk.settle(id);
  expect(await desk.row(id)).toMatchObject({ name: 'Annika' });
});
