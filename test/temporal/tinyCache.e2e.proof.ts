/** Failure 47: workflows are evicted from the cache all the time, so that every task begins with a replay. */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { startSeveralSystems } from '../e2e/severalSystems';
import type { SeveralSystems } from '../e2e/severalSystems';
import { until } from '../environment/until';
import { openRuns, troubleOf } from './runs';
import type { Runs } from './runs';

const STORY_MS = 240_000;
const CONVERGED_MS = 120_000;
const RECORDS = 50;

let it: SeveralSystems;
let runs: Runs;

beforeAll(() => Runtime.install({ logger: new DefaultLogger('ERROR') }));

afterEach(async () => {
  await runs.close();
  await it.close();
}, 60_000);

const mailOf = (n: number): string => `tiny${n}@example.com`;
const NUMBERS = Array.from({ length: RECORDS }, (_, i) => i);

type Contents = Record<string, unknown>;

/** Name by e-mail, in each of the four places. Two objects of one e-mail would be seen as a difference in number. */
async function contentsOf(): Promise<Contents[]> {
  const { rows } = await it.database.query<{ name: string; email: string }>(
    'select name, email from counterpart.customers',
  );
  const { data } = (await it.stripe('GET', '/v1/customers?limit=100')) as { data: typeof rows };
  const memories = [it.crm, it.erp].map((system) =>
    system.living().map(([, { fields }]) => ({ name: fields['name'], email: fields['email'] })),
  );
  return [rows, data, ...memories].map((all) =>
    Object.fromEntries([
      ['number', all.length],
      ...all.map(({ email, name }) => [email, name]).toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    ]),
  );
}

async function allStand(nameOf: (n: number) => string): Promise<boolean> {
  const wanted = Object.fromEntries([
    ['number', RECORDS],
    ...NUMBERS.map((n) => [mailOf(n), nameOf(n)]).toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
  ]);
  const text = JSON.stringify(wanted);
  return (await contentsOf()).every((contents) => JSON.stringify(contents) === text);
}

async function idle(): Promise<boolean> {
  return (await it.database.query('select from counterpart.work_queue')).rows.length === 0;
}

// the SDK makes two of one
test.each([0, 2])(
  'failure 47, I1, I2, I13: with %i workflows in the cache 50 records go both ways and stand everywhere, and no task fails',
  async (maxCachedWorkflows) => {
    it = await startSeveralSystems({ maxCachedWorkflows });
    runs = await openRuns(it.temporal);
    const began = performance.now();
    await it.database.query(
      `insert into counterpart.customers (name, email)
       select 'Made ' || n, 'tiny' || n || '@example.com' from generate_series(0, 49, 2) as n`,
    );
    for (const n of NUMBERS.filter((one) => one % 2 === 1)) {
      it.crm.plant({ name: `Made ${n}`, email: mailOf(n) });
    }
    await until('all stand everywhere', () => allStand((n) => `Made ${n}`), CONVERGED_MS);
    // each is edited where it was not made
    await it.database.query(
      `update counterpart.customers set name = replace(name, 'Made', 'Edited')
       where substring(email from '[0-9]+')::int % 2 = 1`,
    );
    for (const [remoteId, { fields }] of it.erp.living()) {
      const n = Number(/\d+/.exec(String(fields['email']))?.[0]);
      if (n % 2 === 0) it.erp.edit(remoteId, { name: `Edited ${n}` });
    }
    await until('all edits stand everywhere', () => allStand((n) => `Edited ${n}`), CONVERGED_MS);
    await until('the queue is empty', () => idle(), CONVERGED_MS);
    const took = performance.now() - began;
    await until('no run is open', async () => (await runs.count(`ExecutionStatus = 'Running'`)) === 0);
    const all = await runs.all(`WorkflowType = 'customer'`);
    expect(all.length).toBeGreaterThanOrEqual(RECORDS);
    expect(troubleOf(all)).toEqual([]);
    expect(all.filter(({ end }) => end !== 'COMPLETED')).toEqual([]);
    const met = all.flatMap(({ failedTasks }) => failedTasks).length;
    console.log(
      `${maxCachedWorkflows} cached: ${RECORDS} records over three systems, made and edited, in ${(took / 1000).toFixed(1)} s; ` +
        `${all.length} runs, ${met} of their tasks met a signal at completion`,
    );
  },
  STORY_MS,
);
