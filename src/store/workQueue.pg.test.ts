import { benches, CUSTOMER, newId, STRIPE } from './store-for-tests';
import type { RecordId } from '../core/ids';
import { until } from '../../test/environment/until';

const bench = benches();
const LEASE = { ms: 10_000, maxMs: 60_000 };

beforeEach(() => bench().quiet());

const hint = (id: RecordId) => bench().store.queue.enqueue(CUSTOMER, [id], 'webhook');
const seqOf = async (id: RecordId) => (await bench().store.queue.readHint(CUSTOMER, id))!.seq;
const acknowledge = (id: RecordId, seq: number) => bench().store.queue.acknowledge(CUSTOMER, id, seq);
const claim = async (rows = 100, inFlight = 1_000) =>
  (await bench().store.queue.claimDue({ rows, inFlight }, LEASE)).map((due) => due.recordId);
const makeDue = (id: RecordId) =>
  bench().database.query(
    'update counterpart.work_queue set due_at = clock_timestamp() where record_id = $1',
    [id],
  );

async function hinted(): Promise<RecordId> {
  const id = await newId(bench());
  await hint(id);
  return id;
}

describe('a set, not a log', () => {
  test('however often it is hinted, a record has one row', async () => {
    const id = await hinted();
    for (let i = 0; i < 5; i += 1) await hint(id);
    expect(await bench().value('select count(*) from counterpart.work_queue')).toBe(1);
  });

  test('the same id twice in one hint is one row', async () => {
    const id = await newId(bench());
    await bench().store.queue.enqueue(CUSTOMER, [id, id], 'poll');
    expect(await bench().value('select count(*) from counterpart.work_queue')).toBe(1);
  });

  test('hints about the same records from all sides at once, in any order, do not block each other', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => newId(bench())));
    await Promise.all(
      [ids, ids.toReversed(), ids, ids.toReversed()].map((list) =>
        bench().store.queue.enqueue(CUSTOMER, list, 'sweep'),
      ),
    );
    expect(await bench().value('select count(*) from counterpart.work_queue')).toBe(20);
  });
});

describe('acknowledged by the look', () => {
  test('the row goes with the seq the look began from, and tells its age', async () => {
    const id = await hinted();
    const acknowledged = await acknowledge(id, await seqOf(id));
    expect(acknowledged).toMatchObject({ kind: 'done', ageMs: expect.any(Number) });
    expect(await bench().queued(id)).toBeNull();
  });

  test('a hint since the look began keeps the row: look again', async () => {
    const id = await hinted();
    const seq = await seqOf(id);
    await hint(id);
    expect(await acknowledge(id, seq)).toEqual({ kind: 'newer' });
    expect(await acknowledge(id, await seqOf(id))).toMatchObject({ kind: 'done' });
  });

  test('[!] seq is global: the row was deleted and made again, and the stalled holder of the old seq deletes nothing', async () => {
    const id = await hinted();
    const old = await seqOf(id);
    await acknowledge(id, old);
    await hint(id);
    expect(await seqOf(id)).toBeGreaterThan(old);
    expect(await acknowledge(id, old)).toEqual({ kind: 'newer' });
    expect(await bench().queued(id)).not.toBeNull();
  });

  test('I10: a change that commits while the look closes is not taken away with the row', async () => {
    const id = await bench().insert();
    const seq = await seqOf(id);
    const writer = await bench().database.pool.connect();
    await writer.query('begin');
    await writer.query(`update counterpart.customers set name = 'Anna' where id = $1`, [id]);
    const closing = acknowledge(id, seq);
    await until('the look waits for the row of the queue', async () => {
      const waiting = `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
      return (await bench().value<number>(waiting)) === 1;
    });
    await writer.query('commit');
    writer.release();
    expect(await closing).toEqual({ kind: 'newer' });
    expect((await bench().queued(id))!.seq).toBeGreaterThan(seq);
  });

  test('acknowledged twice is done both times', async () => {
    const id = await hinted();
    const seq = await seqOf(id);
    await acknowledge(id, seq);
    expect(await acknowledge(id, seq)).toEqual({ kind: 'done', ageMs: null });
  });
});

describe('claimed for ringing', () => {
  test('failure 35: two relays at once claim disjoint rows', async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, hinted));
    const claims = await Promise.all([claim(30), claim(30), claim(30)]);
    const rung = claims.flat();
    expect(new Set(rung).size).toBe(rung.length);
    rung.push(...(await claim(100)));
    expect(rung.toSorted()).toEqual(ids.toSorted());
  });

  test('failure 35: rows another relay is claiming are passed over, not waited for', async () => {
    const [one, two] = [await hinted(), await hinted()];
    await bench().database.transact(async (sql) => {
      await sql.query('select from counterpart.work_queue where record_id = $1 for update', [one]);
      expect(await claim()).toEqual([two]);
    });
  });

  test('a burst waits in the queue: no more rows are rung than may be in flight', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, hinted));
    const first = await claim(100, 4);
    expect(first).toHaveLength(4);
    expect(await claim(100, 4)).toEqual([]);
    await acknowledge(first[0]!, await seqOf(first[0]!));
    expect(await claim(100, 4)).toHaveLength(1);
    expect(ids).toEqual(expect.arrayContaining(first));
  });

  test('I15: rows that wait for a connection are not in flight: they hold no place', async () => {
    const waiting = await Promise.all(Array.from({ length: 4 }, hinted));
    await claim();
    for (const id of waiting) {
      await bench().store.queue.postpone(CUSTOMER, id, await seqOf(id), {
        on: [STRIPE],
        ms: 60_000,
        putAway: false,
      });
    }
    const id = await hinted();
    expect(await claim(100, 4)).toEqual([id]);
  });

  test('a claimed row is not due until its lease is over, and each unanswered ring doubles it up to the longest', async () => {
    const id = await hinted();
    const leases: number[] = [];
    for (let ring = 0; ring < 5; ring += 1) {
      expect(await claim()).toEqual([id]);
      expect(await claim()).toEqual([]);
      leases.push(Math.round((await bench().queued(id))!.due_in_ms / 1_000));
      await makeDue(id);
    }
    expect(leases).toEqual([10, 20, 40, 60, 60]);
  });

  test('a new hint starts the leases over and is due at once', async () => {
    const id = await hinted();
    for (let ring = 0; ring < 3; ring += 1) {
      await claim();
      await makeDue(id);
    }
    await bench().database.query(
      `update counterpart.work_queue set signalled_at = signalled_at - interval '1 second', due_at = now() + interval '1 minute'`,
    );
    await hint(id);
    expect(await bench().queued(id)).toMatchObject({ rings: 0 });
    expect(await claim()).toEqual([id]);
    expect(Math.round((await bench().queued(id))!.due_in_ms / 1_000)).toBe(10);
  });

  test('failure 42: after a ring the next hint rings 250 ms later at the earliest', async () => {
    const id = await hinted();
    await claim();
    for (let i = 0; i < 20; i += 1) await hint(id);
    const gap = await bench().value<number>(
      `select extract(epoch from due_at - signalled_at)::float8 from counterpart.work_queue where record_id = $1`,
      [id],
    );
    expect(gap).toBeCloseTo(0.25, 3);
  });

  test('a ring nobody took is due again after the delay, and is not counted', async () => {
    const id = await hinted();
    await claim();
    await bench().store.queue.unclaim([{ catalog: CUSTOMER, recordId: id }], 0);
    expect(await bench().queued(id)).toMatchObject({ rings: 0 });
    expect(await claim()).toEqual([id]);
    await bench().store.queue.unclaim([{ catalog: CUSTOMER, recordId: id }], 30_000);
    expect(await claim()).toEqual([]);
  });

  test('the relay is told how long it may sleep', async () => {
    expect(await bench().store.queue.msUntilDue()).toBeNull();
    const id = await hinted();
    expect(await bench().store.queue.msUntilDue()).toBe(0);
    await claim();
    const ms = (await bench().store.queue.msUntilDue())!;
    expect(ms).toBeGreaterThan(8_000);
    expect(ms).toBeLessThanOrEqual(10_000);
    await acknowledge(id, await seqOf(id));
  });
});

describe('left for later', () => {
  const postpone = (id: RecordId, seq: number) =>
    bench().store.queue.postpone(CUSTOMER, id, seq, { on: [STRIPE], ms: 60_000, putAway: false });

  test('the row names whom it waits for and is due later', async () => {
    const id = await hinted();
    expect(await postpone(id, await seqOf(id))).toEqual({ kind: 'done', ageMs: null });
    expect(await bench().queued(id)).toMatchObject({ waiting_on: ['stripe'] });
    expect(await claim()).toEqual([]);
  });

  test('a newer hint is not postponed with it', async () => {
    const id = await hinted();
    const seq = await seqOf(id);
    await hint(id);
    expect(await postpone(id, seq)).toEqual({ kind: 'newer' });
    expect(await bench().queued(id)).toMatchObject({ waiting_on: [] });
  });

  test('an edit while it waits is tried at once', async () => {
    const id = await hinted();
    await postpone(id, await seqOf(id));
    await hint(id);
    expect(await bench().queued(id)).toMatchObject({ waiting_on: [] });
    expect(await claim()).toEqual([id]);
  });

  test('the connection works again: what waited for it is due at once, the rest stays', async () => {
    const [waiting, other] = [await hinted(), await hinted()];
    await postpone(waiting, await seqOf(waiting));
    await claim();
    expect(await bench().store.queue.releaseWaiting(STRIPE)).toBe(1);
    expect(await claim()).toEqual([waiting]);
    expect(await bench().queued(other)).toMatchObject({ waiting_on: [] });
  });
});

describe('rows that were put away', () => {
  test.each([[false], [true]])(
    'I15: a thousand come due at once, bulk %s: a bounded number of them is rung',
    async (bulk) => {
      await bench().quiet();
      await bench().database.query(
        `insert into counterpart.work_queue (catalog, record_id, seq, hint, hinted_at, last_hint_at, due_at)
         select 'customer', gen_random_uuid(), nextval('counterpart.work_seq'), 'local', now(), now(), now()
         from generate_series(1, 1000)`,
      );
      await bench().database.query('update counterpart.work_queue set bulk = $1', [bulk]);
      const { rows } = await bench().database.query<{ record_id: RecordId; seq: number }>(
        'select record_id, seq from counterpart.work_queue',
      );
      for (const { record_id: id, seq } of rows)
        await bench().store.queue.postpone(CUSTOMER, id, seq, { on: [STRIPE], ms: 0, putAway: true });
      let rung = 0;
      for (let claimed = -1; claimed !== 0; rung += claimed) {
        const limit = { rows: 64, inFlight: 192, bulk: 16 };
        claimed = (await bench().store.queue.claimDue(limit, { ms: 10_000, maxMs: 300_000 })).length;
      }
      expect(rung).toBe(16);
    },
  );

  test('are released although somebody edits one of them in an open transaction', async () => {
    await bench().quiet();
    const [, held] = [await bench().insert(), await bench().insert()];
    await bench().database.query(
      `update counterpart.work_queue set waiting_on = '{stripe}', due_at = now() + interval '1 hour'`,
    );
    const client = await bench().database.pool.connect();
    try {
      await client.query('begin');
      await client.query(`update counterpart.customers set name = 'x' where id = $1`, [held]);
      expect(await bench().store.queue.releaseWaiting(STRIPE)).toBe(1);
    } finally {
      await client.query('rollback');
      client.release();
    }
  });
});
