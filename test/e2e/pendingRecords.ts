/**
 * Failures 41 and 62 as a story of any size: records are imported, Temporal stops while some of their runs are open, one
 * UPDATE changes every row, and Temporal comes back.
 */
import { until } from '../environment/until';
import type { OwnTemporal } from './ownTemporal';
import type { Loose, Stage } from './stage';

/** So many stand there when Temporal stops: the UPDATE is what makes them wait again. */
const BEFORE = 10;
const LIVE = 'Edited after the UPDATE';

const PENDING = `from counterpart.customers as c where c.email like 'pending%'`;

async function count(stage: Stage, of: string): Promise<number> {
  return (await stage.pool.query(`select count(*)::int as n ${of}`)).rows[0].n;
}

/** Of all of them in Stripe, sorted. */
async function namesThere(stage: Stage): Promise<string[]> {
  const found: Loose[] = [];
  for (let page: Loose = { has_more: true }; page.has_more;) {
    const after = found.length === 0 ? '' : `&starting_after=${found.at(-1).id}`;
    page = await stage.stripe('GET', `/v1/customers?limit=100${after}`);
    found.push(...page.data);
  }
  return found
    .filter(({ email }) => email.startsWith('pending'))
    .map(({ name }) => name)
    .toSorted();
}

export interface Restarted {
  /** What waited in the queue when Temporal came back. */
  readonly pending: number;
  /** Of what the UPDATE changed, how many stood there when the edit made after it did. */
  readonly overtaken: number;
  /** From its coming back until everything stood on both sides. */
  readonly took_ms: number;
}

/**
 * @param records imported in one statement; more than 100 are a bulk
 * @param convergedMs how long all of them may take
 */
export async function restartWithPending(
  stage: Stage,
  temporal: OwnTemporal,
  records: number,
  convergedMs: number,
): Promise<Restarted> {
  await stage.pool.query(
    `insert into counterpart.customers (name, email)
     select 'Pending ' || n, 'pending' || n || '@example.com' from generate_series(1, $1::int) as n`,
    [records],
  );
  const arrived = () =>
    count(
      stage,
      `from counterpart.links as l where outcome = 'in_sync' and exists (select ${PENDING} and c.id = l.record_id)`,
    );
  await until('some have arrived', async () => (await arrived()) >= BEFORE, convergedMs);
  await temporal.stop();
  await stage.pool.query(
    `update counterpart.customers set name = 'Updated' || substring(name from 8) where email like 'pending%'`,
  );
  await stage.pool.query('update counterpart.customers set name = $1 where email = $2', [
    LIVE,
    `pending${records}@example.com`,
  ]);
  const here: string[] = (await stage.pool.query(`select name ${PENDING}`)).rows.map(({ name }) => name);
  const pending = await count(stage, 'from counterpart.work_queue');
  const began = performance.now();
  await temporal.start();
  const liveIsThere = async () => (await namesThere(stage)).includes(LIVE);
  await until('the edit made after the UPDATE is there', liveIsThere, convergedMs);
  const overtaken = (await namesThere(stage)).filter((name) => name.startsWith('Updated')).length;
  const emptied = async () => (await count(stage, 'from counterpart.work_queue')) === 0;
  await until('nothing waits', emptied, convergedMs);
  const took_ms = performance.now() - began;

  expect(await arrived()).toBe(records);
  expect(await namesThere(stage)).toEqual(here.toSorted());
  const creates = (await stage.writes()).filter(
    ({ path, params }: Loose) => path === '/v1/customers' && params.email.startsWith('pending'),
  );
  expect(new Set(creates.map((write) => write.idempotency_key)).size).toBe(records);
  return { pending, overtaken, took_ms };
}
