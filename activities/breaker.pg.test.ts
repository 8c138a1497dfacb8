/** The breaker of a connection: looks of both systems in memory, the real store, the watch as the worker runs it. */
import { failureOf } from '../src/connectors/memory';
import type { MemorySystem } from '../src/connectors/memory';
import { NO_LIMITS } from '../src/connectors/passage';
import type { ConnectionName, RecordId } from '../src/core/ids';
import { createConnectionControl } from '../src/connections/control';
import { UNAVAILABLE_IN_A_ROW } from '../src/pace/breaker';
import { createPassage } from '../src/pace/passage';
import { takeTurn } from '../src/pace/watch';
import { readSync } from '../src/store/syncState';
import { CRM, desks, freshMail, newSystem, STRIPE } from './desk-for-tests';
import type { Desk } from './desk-for-tests';

const openDesk = desks();
const SILENCE = failureOf('unavailable', { code: 'ECONNREFUSED' });
const TOO_FAST = failureOf('rate-limited', { code: 'rate_limit', status: 429 });
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const fields = () => ({ name: 'Ann', email: freshMail() });

async function twoSystems(): Promise<{ desk: Desk; crm: MemorySystem }> {
  const crm = newSystem(CRM);
  const desk = await openDesk({
    others: [crm],
    passage: (store, connection) =>
      createPassage(
        { store, log, now: () => performance.now(), sleep: () => Promise.resolve() },
        connection,
        NO_LIMITS,
      ),
  });
  return { desk, crm };
}

/** Looks at one record after the other until the breaker of the silent system is open. */
async function goesDown(desk: Desk, silent: MemorySystem): Promise<RecordId[]> {
  silent.outage = SILENCE;
  const ids: RecordId[] = [];
  for (let looks = 0; looks < UNAVAILABLE_IN_A_ROW; looks += 1) {
    const id = await desk.insert(fields());
    await desk.settle(id);
    ids.push(id);
  }
  return ids;
}

/** What a worker does once a second; as if the second since the last turn were over. */
async function turn(desk: Desk, connection: ConnectionName, { early = false } = {}): Promise<void> {
  if (!early) await desk.database.query('update counterpart.connections set probe_at = null');
  const connector = desk.connectors.get(connection);
  if (connector === undefined) throw new Error('There is no such connection');
  const ports = { store: desk.store, log, pause: () => Promise.resolve(), stopped: () => false };
  await takeTurn(ports, connector, NO_LIMITS);
}

const down = async (desk: Desk, name: ConnectionName) => (await desk.store.connections.find(name))?.down;

async function queueRow(desk: Desk, id: RecordId) {
  const { rows } = await desk.database.query<{ waiting_on: string[]; bulk: boolean; due_in_s: number }>(
    `select waiting_on, bulk, extract(epoch from due_at - clock_timestamp())::float8 as due_in_s
     from counterpart.work_queue where record_id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

async function waitingRows(desk: Desk): Promise<number> {
  return (await desk.store.breakers.countWaiting()).get(CRM) ?? 0;
}

describe('a system that does not answer', () => {
  test('opens the breaker after some calls in a row; an answer in between begins the count anew', async () => {
    const { desk, crm } = await twoSystems();
    const passes = await desk.synced(fields());
    crm.outage = SILENCE;
    for (let calls = 1; calls < UNAVAILABLE_IN_A_ROW; calls += 1)
      await desk.settle(await desk.insert(fields()));
    crm.outage = null;
    await desk.hint(passes.id);
    await desk.settle(passes.id);
    crm.outage = SILENCE;
    for (let calls = 1; calls < UNAVAILABLE_IN_A_ROW; calls += 1)
      await desk.settle(await desk.insert(fields()));
    expect(await down(desk, CRM)).toBeNull();
    await desk.settle(await desk.insert(fields()));
    expect(await down(desk, CRM)).toMatchObject({ code: 'ECONNREFUSED' });
    expect(await down(desk, STRIPE)).toBeNull();
  });

  test('I15: it is called no more, and every change still reaches the other system at once', async () => {
    const { desk, crm } = await twoSystems();
    await goesDown(desk, crm);
    crm.calls.length = 0;
    const id = await desk.insert(fields());
    expect(await desk.settle(id)).toMatchObject({ kind: 'done', trouble: [] });
    expect(crm.calls).toEqual([]);
    expect(desk.system.living().map(([, { marks }]) => marks)).toContainEqual(desk.mark(id));
  });

  test('I14: what waits for it says for what and since when, and rings nobody meanwhile', async () => {
    const { desk, crm } = await twoSystems();
    await goesDown(desk, crm);
    const id = await desk.insert(fields());
    await desk.settle(id);
    const row = await queueRow(desk, id);
    expect(row).toMatchObject({ waiting_on: [CRM] });
    expect(row?.due_in_s).toBeGreaterThan(3_000);
    const since = (await down(desk, CRM))?.since;
    const entries = (await readSync(desk.database, [{ id, live: true }])).get(id);
    expect(entries).toMatchObject([
      {
        connection: CRM,
        state: 'waiting',
        reason: { code: 'unavailable', detail: 'the connection crm is down: ECONNREFUSED', since },
      },
      { connection: STRIPE, state: 'in_sync', reason: null },
    ]);
  });

  test('an attempt already under way makes no call any more, and leaves its link at once', async () => {
    const { desk, crm } = await twoSystems();
    const id = await desk.insert(fields());
    const opened = await desk.activities.openLook({ catalog: 'customer', recordId: id });
    if (opened.kind !== 'open') throw new Error('A hint was there');
    const link = opened.links.find(({ connection }) => connection === CRM)!;
    expect(await desk.activities.examine(link)).toMatchObject({ next: 'send' });
    await desk.store.breakers.open(CRM, 'deadline');
    crm.calls.length = 0;
    await expect(desk.activities.send(link)).rejects.toMatchObject({ nonRetryable: true });
    expect(crm.calls).toEqual([]);
  });

  test('failure 7: too many requests is an answer: it opens nothing', async () => {
    const { desk, crm } = await twoSystems();
    crm.outage = TOO_FAST;
    for (let calls = 0; calls < 3 * UNAVAILABLE_IN_A_ROW; calls += 1)
      await desk.settle(await desk.insert(fields()));
    expect(await down(desk, CRM)).toBeNull();
  });

  test('that comes back in the middle of a look forgets nobody: the row is due at once', async () => {
    const { desk, crm } = await twoSystems();
    await goesDown(desk, crm);
    const id = await desk.insert(fields());
    const opened = await desk.activities.openLook({ catalog: 'customer', recordId: id });
    if (opened.kind !== 'open') throw new Error('A hint was there');
    expect(opened.down).toEqual([CRM]);
    await desk.store.breakers.close(CRM);
    const { seq, paused } = opened;
    await desk.activities.closeLook({
      catalog: 'customer',
      recordId: id,
      seq,
      unfinished: [],
      paused,
      down: opened.down!,
      direction: null,
    });
    expect((await queueRow(desk, id))?.due_in_s).toBeLessThanOrEqual(0);
  });
});

describe('the watch', () => {
  test('asks once a second, however many workers watch', async () => {
    const { desk, crm } = await twoSystems();
    await goesDown(desk, crm);
    crm.calls.length = 0;
    await desk.database.query('update counterpart.connections set probe_at = null');
    await Promise.all([1, 2, 3, 4].map(() => turn(desk, CRM, { early: true })));
    expect(crm.calls.map(({ operation }) => operation)).toEqual(['identify']);
    await turn(desk, CRM, { early: true });
    expect(crm.calls).toHaveLength(1);
    await turn(desk, CRM);
    expect(crm.calls).toHaveLength(2);
    expect(await down(desk, CRM)).not.toBeNull();
  });

  test('tells the last failure, which may be another than the first', async () => {
    const { desk, crm } = await twoSystems();
    await goesDown(desk, crm);
    const since = (await down(desk, CRM))?.since;
    crm.outage = failureOf('unavailable', { code: 'deadline' });
    await turn(desk, CRM);
    expect(await down(desk, CRM)).toMatchObject({ code: 'deadline', since });
  });

  test('lets what waited go on when it answers: one, two, four a second, after live edits', async () => {
    const { desk, crm } = await twoSystems();
    const ids = await goesDown(desk, crm);
    for (let more = 0; more < 4; more += 1) {
      const id = await desk.insert(fields());
      await desk.settle(id);
      ids.push(id);
    }
    // those whose own attempts found it silent back off by themselves
    for (const id of ids) {
      await desk.hint(id);
      await desk.settle(id);
    }
    expect(await waitingRows(desk)).toBe(9);
    crm.outage = null;
    await turn(desk, CRM);
    expect(await down(desk, CRM)).toBeNull();
    const released: number[] = [];
    for (let seconds = 0; seconds < 4; seconds += 1) {
      const before = await waitingRows(desk);
      await turn(desk, CRM);
      released.push(before - (await waitingRows(desk)));
      await desk.rest();
    }
    expect(released).toEqual([1, 2, 4, 2]);
    expect(crm.living()).toHaveLength(9);
  });

  test('a released record comes after live edits', async () => {
    const { desk, crm } = await twoSystems();
    const [id] = await goesDown(desk, crm);
    await desk.hint(id!);
    await desk.settle(id!);
    crm.outage = null;
    await turn(desk, CRM);
    await turn(desk, CRM);
    expect(await queueRow(desk, id!)).toMatchObject({ bulk: true, waiting_on: [] });
    const edited = await desk.insert(fields());
    const lease = { ms: 10_000, maxMs: 10_000 };
    const [first] = await desk.store.queue.claimDue({ rows: 1, inFlight: 8 }, lease);
    expect(first?.recordId).toBe(edited);
  });

  test('stops letting go when it falls silent again, and begins with one anew', async () => {
    const { desk, crm } = await twoSystems();
    const ids = await goesDown(desk, crm);
    for (const id of ids) {
      await desk.hint(id);
      await desk.settle(id);
    }
    crm.outage = null;
    for (let turns = 0; turns < 3; turns += 1) await turn(desk, CRM);
    expect(await waitingRows(desk)).toBeLessThan(ids.length);
    await desk.store.breakers.open(CRM, 'deadline');
    crm.outage = SILENCE;
    // those that were let go wait again, without a call
    crm.calls.length = 0;
    await desk.rest();
    expect(crm.calls).toEqual([]);
    await turn(desk, CRM);
    expect(await waitingRows(desk)).toBe(ids.length);
    crm.outage = null;
    await turn(desk, CRM);
    await turn(desk, CRM);
    expect(await waitingRows(desk)).toBe(ids.length - 1);
  });

  test('failure 10: the key is refused when it answers again: paused, not down, and nothing goes on', async () => {
    const { desk, crm } = await twoSystems();
    const [id] = await goesDown(desk, crm);
    crm.outage = failureOf('unauthorized', { code: 'invalid_key', status: 401 });
    await turn(desk, CRM);
    expect(await desk.store.connections.find(CRM)).toMatchObject({
      down: null,
      paused: { code: 'unauthorized' },
    });
    crm.calls.length = 0;
    await turn(desk, CRM);
    expect(crm.calls).toEqual([]);
    expect(await queueRow(desk, id!)).toMatchObject({ waiting_on: [CRM] });
  });

  test('failures 24 and 56: another account answers: paused, nothing goes on', async () => {
    const { desk, crm } = await twoSystems();
    await goesDown(desk, crm);
    crm.outage = null;
    crm.identity = { ...crm.identity, account: 'somebody else' };
    await turn(desk, CRM);
    expect(await desk.store.connections.find(CRM)).toMatchObject({
      down: null,
      paused: { code: 'other_account' },
    });
  });

  test('a resume that finds the right account ends the wait as well', async () => {
    const { desk, crm } = await twoSystems();
    const ids = await goesDown(desk, crm);
    for (const id of ids) {
      await desk.hint(id);
      await desk.settle(id);
    }
    const control = createConnectionControl(desk.store, desk.connectors);
    await control.pause(CRM);
    expect(await control.resume(CRM)).toMatchObject({ kind: 'refused', code: 'unavailable' });
    expect(await down(desk, CRM)).not.toBeNull();
    crm.outage = null;
    expect(await control.resume(CRM)).toEqual({ kind: 'resumed', released: UNAVAILABLE_IN_A_ROW });
    expect(await down(desk, CRM)).toBeNull();
    await desk.rest();
    expect(crm.living()).toHaveLength(UNAVAILABLE_IN_A_ROW);
  });
});

describe('I15: one object at which a system fails', () => {
  const goesOnFailing = async (desk: Desk, id: RecordId, fail: () => void): Promise<void> => {
    for (let looks = 0; looks < 2 * UNAVAILABLE_IN_A_ROW; looks += 1) {
      fail();
      await desk.hint(id);
      await desk.settle(id);
    }
  };

  test('never closes the way to others, however often it is tried: it waits alone', async () => {
    const { desk, crm } = await twoSystems();
    const { id } = await desk.synced(fields());
    await goesOnFailing(desk, id, () => crm.fail('read', { failure: SILENCE, when: 'before' }));
    expect(await down(desk, CRM)).toBeNull();
    expect(await queueRow(desk, id)).toMatchObject({ waiting_on: [CRM] });
    const other = await desk.insert(fields());
    await desk.settle(other);
    expect(await queueRow(desk, other)).toBeNull();
  });

  test('I14: where nobody answers and it is the only one, it waits with its reason, is tried again soon, and arrives', async () => {
    const { desk, crm } = await twoSystems();
    const { id } = await desk.synced(fields());
    crm.outage = SILENCE;
    await goesOnFailing(desk, id, () => undefined);
    const row = await queueRow(desk, id);
    expect(row).toMatchObject({ waiting_on: [CRM] });
    expect(row?.due_in_s).toBeLessThanOrEqual(15);
    const entries = (await readSync(desk.database, [{ id, live: true }])).get(id);
    expect(entries?.find(({ connection }) => connection === CRM)).toMatchObject({
      state: 'waiting',
      reason: { code: 'unavailable' },
    });
    crm.outage = null;
    await desk.settle(id);
    expect(await queueRow(desk, id)).toBeNull();
  });
});

test('a large import does not keep what was put away from being let go', async () => {
  const desk = await openDesk();
  await desk.database.query('delete from counterpart.work_queue');
  const id = await desk.insert({ name: 'Ann', email: freshMail() });
  await desk.database.query(
    `update counterpart.work_queue set waiting_on = '{stripe}', due_at = now() + interval '1 hour', signalled_at = now()
     where record_id = $1`,
    [id],
  );
  await desk.database.query(
    `insert into counterpart.customers (name) select 'Ann ' || g from generate_series(1, 200) g`,
  );
  await desk.database.query('update counterpart.connections set probe_at = null');
  expect(await desk.store.breakers.claimTurn(STRIPE, 64)).toEqual({ kind: 'release', rows: 1 });
  expect(await desk.store.breakers.releaseSome(STRIPE, 1)).toBe(1);
});

test("failure 48: Postgres's clock is set back an hour: the system is asked all the same, and calls are let go", async () => {
  const desk = await openDesk();
  await desk.store.breakers.open(STRIPE, 'unavailable');
  await desk.database.query(`update counterpart.connections set probe_at = now() + interval '1 hour'`);
  expect(await desk.store.breakers.claimTurn(STRIPE, 64)).toEqual({ kind: 'probe' });
  await desk.store.breakers.close(STRIPE);
  await desk.store.paces.prepare(STRIPE, ['all']);
  await desk.database.query(`update counterpart.paces set next_at = now() + interval '1 hour'`);
  const { firstInMs } = await desk.store.paces.takeSlots(STRIPE, [{ name: 'all', perSecond: 25 }], {
    wanted: 1,
    aheadMs: 240,
    burstMs: 200,
  });
  expect(firstInMs).toBeLessThan(62_000);
});
