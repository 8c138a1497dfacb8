/** One statement that changes very many rows: what it costs, and that nobody waits behind it. */
import { countStates, readQueue } from './syncState';
import { benches } from './store-for-tests';

const bench = benches();
const ROWS = 20_000;
const BATCH = { rows: 64, inFlight: 192 };
const LEASE = { ms: 10_000, maxMs: 300_000 };
/** Of one short statement over the whole backlog; it takes some milliseconds. */
const QUICK_MS = 250;
/** A statement over all rows, on the slowest machine; it takes a second or two. */
const LONG_MS = 60_000;

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const began = performance.now();
  const value = await work();
  return { value, ms: performance.now() - began };
}

/** The nodes of the plan that read the work queue. */
async function readsOfQueue(statement: string, values: readonly unknown[]): Promise<string[]> {
  const { database } = bench();
  const { rows } = await database.query<{ 'QUERY PLAN': Array<{ Plan: PlanNode }> }>(
    `explain (format json) ${statement}`,
    values,
  );
  const found: string[] = [];
  const visit = (node: PlanNode): void => {
    if (node['Relation Name'] === 'work_queue') found.push(node['Node Type']);
    node.Plans?.forEach(visit);
  };
  visit(rows[0]!['QUERY PLAN'][0]!.Plan);
  return found;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

beforeAll(async () => {
  const { database, quiet } = bench();
  await database.query(
    `insert into counterpart.customers (name) select 'Ann ' || n from generate_series(1, $1) as n`,
    [ROWS],
  );
  await database.query('delete from counterpart.timeline');
  await quiet();
}, LONG_MS);

describe('failure 62: one UPDATE of all rows', () => {
  beforeAll(async () => {
    await bench().database.query(`update counterpart.customers set name = name || ' B'`);
  }, LONG_MS);

  test('I10: each row is queued once, as a bulk', async () => {
    expect(await bench().value('select count(*) from counterpart.work_queue where bulk')).toBe(ROWS);
  });

  test('the claim of the first rows reads as many rows as it takes, by an index', async () => {
    const { store, database } = bench();
    const { value: due, ms } = await timed(() => store.queue.claimDue(BATCH, LEASE));
    expect(due).toHaveLength(BATCH.rows);
    expect(ms).toBeLessThan(QUICK_MS);
    await database.query('analyze counterpart.work_queue');
    const reads = await readsOfQueue(
      `select catalog, record_id from counterpart.work_queue where bulk and due_at <= clock_timestamp() order by due_at limit 64`,
      [],
    );
    expect(reads).toEqual(['Index Scan']);
  });

  test('a single edit after it is claimed before all others, and so is an edit of a row that waits there', async () => {
    const { store, insert, database } = bench();
    const fresh = await insert({ name: 'Live' });
    const [waiting] = (
      await database.query<{ record_id: string }>(
        'select record_id from counterpart.work_queue where bulk and rings = 0 order by due_at desc limit 1',
      )
    ).rows;
    await database.query(`update counterpart.customers set name = 'Edited' where id = $1`, [
      waiting!.record_id,
    ]);
    const due = await store.queue.claimDue({ ...BATCH, rows: 2 }, LEASE);
    expect(new Set(due.map(({ recordId }) => recordId))).toEqual(new Set([fresh, waiting!.record_id]));
  });

  test('however much of it is rung and not answered, an edit finds a place', async () => {
    const { store, insert } = bench();
    for (let turn = 0; turn < 10; turn += 1) await store.queue.claimDue(BATCH, LEASE);
    const fresh = await insert({ name: 'Live too' });
    expect(await store.queue.claimDue(BATCH, LEASE)).toEqual([{ catalog: 'customer', recordId: fresh }]);
  });

  test('what /status asks is answered at once', async () => {
    const { database } = bench();
    expect((await timed(() => readQueue(database))).ms).toBeLessThan(QUICK_MS);
    expect((await timed(() => countStates(database))).ms).toBeLessThan(4 * QUICK_MS);
  });

  test('the same rows changed once more: still one row each, in about the time of the first statement', async () => {
    const { database } = bench();
    const depth = await bench().value('select count(*) from counterpart.work_queue');
    const { ms } = await timed(() => database.query(`update counterpart.customers set name = name || ' C'`));
    expect(await bench().value('select count(*) from counterpart.work_queue')).toBe(depth);
    expect(ms).toBeLessThan(LONG_MS / 6);
  });
});

test('a statement that changes a handful of rows is no bulk', async () => {
  const { database, quiet } = bench();
  await quiet();
  await database.query(
    `update counterpart.customers set name = 'Handful' where id in (select id from counterpart.customers limit 100)`,
  );
  expect(await bench().value('select count(*) from counterpart.work_queue where not bulk')).toBe(100);
});
