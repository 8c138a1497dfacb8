/** Very many records that come one by one, as a script makes them here or there: no edit waits behind them, nor do they wait for ever. */
import type { ConnectionName, RecordId } from '../core/ids';
import { benches, CUSTOMER, openLink, remoteId, STRIPE } from './store-for-tests';
import type { Hint } from './workQueue';

const bench = benches();
const MASS = 48;
/** As the relay claims at a limit of 25 requests a second. */
const LIMIT = { rows: 64, inFlight: 37, bulk: 16 };
const LEASE = { ms: 10_000, maxMs: 300_000 };
/** What an edit may find rung or before it: live births, and the bulk's share of the places. */
const BIRTHS_LIVE = 16;
const HEARD_LIVE = 32;
let objects = 0;

/** An object nobody has heard of yet, as the door takes it in. */
async function bornThere(connection: ConnectionName = STRIPE, hint: Hint = 'webhook'): Promise<RecordId> {
  objects += 1;
  const born = { connection, catalog: CUSTOMER, remoteId: remoteId(`cus_${objects}`), deleted: false };
  const { recordId } = await bench().store.links.reserveForRemote(born);
  await bench().store.queue.enqueuePassing(CUSTOMER, [recordId], hint);
  return recordId;
}

/** A record that stands on both sides and is quiet. */
async function known(): Promise<RecordId> {
  const id = await bench().insert();
  objects += 1;
  const { link } = await openLink(bench(), id);
  await bench().store.links.writeFenced(link.id, link.fence, {
    state: 'linked',
    remoteId: remoteId(`cus_${objects}`),
  });
  return id;
}

async function times(n: number, work: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < n; i += 1) await work(i);
}

const heard = (id: RecordId) => bench().store.queue.enqueue(CUSTOMER, [id], 'webhook');
const edit = (id: RecordId) =>
  bench().database.query(`update counterpart.customers set name = name || '!' where id = $1`, [id]);
const count = (where: string) =>
  bench().value<number>(`select count(*) from counterpart.work_queue where ${where}`);
const isBulk = (id: RecordId) =>
  bench().value<boolean>('select bulk from counterpart.work_queue where record_id = $1', [id]);
const claim = async (limit = LIMIT): Promise<RecordId[]> =>
  (await bench().store.queue.claimDue(limit, LEASE)).map(({ recordId }) => recordId);

let known_here: RecordId;
let known_there: RecordId;

beforeEach(async () => {
  known_here = await known();
  known_there = await known();
  await bench().quiet();
});

describe('I15: a mass that comes one by one', () => {
  test.each<Hint>(['webhook', 'poll'])(
    'births in Stripe, heard by %s: a creation and an edit here, an edit there and what an operator asks for are rung with the first of them',
    async (hint) => {
      const births: RecordId[] = [];
      await times(MASS, async () => births.push(await bornThere(STRIPE, hint)));
      expect(await count('not bulk')).toBe(BIRTHS_LIVE);
      const asked = births.at(-1)!;
      const created = await bench().insert();
      await edit(known_here);
      await heard(known_there);
      await bench().store.queue.enqueue(CUSTOMER, [asked], 'operator');
      const rung = await claim();
      expect(rung).toEqual(expect.arrayContaining([created, known_here, known_there, asked]));
      expect(rung.filter((id) => births.includes(id))).toHaveLength(BIRTHS_LIVE + 1 + LIMIT.bulk);
    },
  );

  test('births here, a statement each: an edit here and an edit there are rung with the first of them', async () => {
    await times(MASS, () => bench().insert());
    expect(await count('not bulk')).toBe(BIRTHS_LIVE);
    await edit(known_here);
    await heard(known_there);
    expect(await claim()).toEqual(expect.arrayContaining([known_here, known_there]));
  });

  test('edits there, an event each: a creation and an edit here are rung with the first of them', async () => {
    const linked: RecordId[] = [];
    await times(HEARD_LIVE + 4, async () => linked.push(await known()));
    await bench().quiet();
    for (const id of linked) await heard(id);
    expect(await count('not bulk')).toBe(HEARD_LIVE);
    const created = await bench().insert();
    await edit(known_here);
    const limit = { ...LIMIT, inFlight: 192 };
    expect(await claim(limit)).toEqual(expect.arrayContaining([created, known_here]));
  });

  test('when the live ones are answered, a birth is live again, and so is one of the mass that is edited', async () => {
    let last: RecordId;
    await times(MASS, async () => void (last = await bench().insert()));
    expect(await isBulk(last!)).toBe(true);
    await bench().database.query('delete from counterpart.work_queue where not bulk');
    await edit(last!);
    expect(await isBulk(last!)).toBe(false);
    expect(await isBulk(await bench().insert())).toBe(false);
  });

  test('what is pulled of it goes on in the bulk for the other connections', async () => {
    let last: RecordId;
    await times(BIRTHS_LIVE + 1, async () => void (last = await bornThere()));
    const first = await bornThere();
    await bench().store.queue.enqueue(CUSTOMER, [last!, first], 'pull');
    expect(await isBulk(last!)).toBe(true);
    await bench().store.queue.enqueue(CUSTOMER, [last!], 'operator');
    await bench().store.queue.enqueue(CUSTOMER, [last!], 'pull');
    expect(await isBulk(last!)).toBe(false);
  });

  test('what waits for a connection, or never answers its rings, takes no live place', async () => {
    await times(BIRTHS_LIVE, () => bornThere());
    await bench().database.query(
      `update counterpart.work_queue set waiting_on = '{stripe}', due_at = now() + interval '15 s'`,
    );
    await times(BIRTHS_LIVE, () => bornThere());
    await bench().database.query(
      `update counterpart.work_queue set rings = 2, due_at = now() + interval '20 s' where waiting_on = '{}'`,
    );
    expect(await isBulk(await bornThere())).toBe(false);
  });

  test('a bulk keeps one place where live ones have taken all', async () => {
    await bench().store.queue.enqueue(CUSTOMER, [known_here, known_there], 'sweep');
    await times(8, () => bench().insert());
    const limit = { rows: 64, inFlight: 4, bulk: 2 };
    const rung = await claim(limit);
    expect(rung.filter((id) => id === known_here || id === known_there)).toHaveLength(1);
    expect(rung).toHaveLength(5);
    expect(await claim(limit)).toEqual([]);
  });
});

test('to count who waits live, a few pages are read, however long the queue is', async () => {
  const { database } = bench();
  // planned while the queue is empty, in each connection that is used below
  await Promise.all(
    Array.from({ length: 12 }, () => database.query(`select counterpart.count_live('{local}')`)),
  );
  await database.query(
    `select counterpart.enqueue('customer', array_agg(gen_random_uuid()), 'local') from generate_series(1, 20000)`,
  );
  await times(BIRTHS_LIVE, () => bench().insert());
  const { rows } = await database.query<{ 'QUERY PLAN': Array<{ Plan: Record<string, number> }> }>(
    `explain (analyze, buffers, format json) select counterpart.count_live('{local}')`,
  );
  const plan = rows[0]!['QUERY PLAN'][0]!.Plan;
  expect(plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!).toBeLessThan(60);
  expect(await bench().value(`select counterpart.count_live('{local}')`)).toBe(BIRTHS_LIVE);
});
