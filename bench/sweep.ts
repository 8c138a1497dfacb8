/**
 * MEASURE a sweep of many unchanged customers: `npm run bench:sweep [-- --customers 100000] [--latency 20]`. Starts the whole
 * system on ports and data of its own, makes the customers on both sides without any event, sweeps, and prints calls, writes,
 * seconds and memory. Then edits some of them there without an event, and sweeps again.
 *   --customers <n>  default 20,000
 *   --latency <ms>   of each of the simulator's answers; default 0
 *   --edited <n>     default 200
 */
import { parseArgs } from 'node:util';
import { Pool } from 'pg';
import { watchProcesses } from './footprint';
import type { Footprint } from './footprint';
import { crowd } from './pace';
import type { Rig } from './rig';
import { runSession, say } from './session';
import { recordsOf } from './standing';

const TOGETHER = 48;
const SAMPLE_MS = 500;
const POLL_MS = 200;
const TOTAL_MAX_MS = 30 * 60_000;
const MB = 1024 * 1024;

interface Swept {
  readonly calls: number;
  readonly objects: number;
  readonly records: number;
  readonly found: number;
  readonly seconds: number;
}

interface Wanted {
  readonly customers: number;
  readonly edited: number;
}

async function control(rig: Rig, method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${rig.wiring.simulatorUrl}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}`);
  return answer.json();
}

const names = (i: number) => ({ name: `Customer ${i}`, email: `customer.${i}@example.com` });

/** Customers that stand on both sides, agreed, as if they had been in sync for long. No event and no trigger tells of them. */
async function seed(rig: Rig, pool: Pool, customers: number): Promise<string[]> {
  await control(rig, 'POST', '/_sim/faults', { faults: [{ name: 'drop-events', times: null }] });
  const ids = Array.from({ length: customers }, () => '');
  await crowd([...ids.keys()], TOGETHER, async (i) => void (ids[i] = (await rig.stripe.create(names(i))).id));
  await recordsOf(
    pool,
    ids.map((remote_id, i) => ({ remote_id, ...names(i) })),
  );
  return ids;
}

async function swept(rig: Rig, pool: Pool): Promise<Swept> {
  const began = performance.now();
  const asked = await fetch(`${rig.wiring.apiUrl}/sweeps`, { method: 'POST' });
  if (asked.status !== 202) throw new Error(`A sweep was asked for and answered ${asked.status}`);
  const { id } = (await asked.json()) as { id: string };
  for (;;) {
    const { rows } = await pool.query<
      Record<'calls' | 'objects' | 'records' | 'found', string> & { ended: boolean }
    >(
      `select calls, objects, records, found, ended_at is not null and not exists (select from counterpart.work_queue) as ended
       from counterpart.sweeps where id = $1`,
      [id],
    );
    const [row] = rows;
    if (row?.ended === true) {
      const seconds = (performance.now() - began) / 1000;
      const counts = [row.calls, row.objects, row.records, row.found].map(Number);
      const [calls = 0, objects = 0, records = 0, found = 0] = counts;
      return { calls, objects, records, found, seconds };
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function firstSweepEnded(pool: Pool): Promise<void> {
  for (;;) {
    const { rows } = await pool.query('select from counterpart.sweeps where ended_at is not null');
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Of what the simulator still remembers: requests of the product by method and path. */
async function requestsSince(rig: Rig, since: string): Promise<Map<string, number>> {
  const query = `from=counterpart&since=${encodeURIComponent(since)}`;
  const { data } = (await control(rig, 'GET', `/_sim/requests?${query}`)) as {
    data: Array<{ method: string; path: string }>;
  };
  const counts = new Map<string, number>();
  for (const { method, path } of data) {
    const what = `${method} ${path.replace(/cus_\w+/, '{id}')}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}

function memory(footprint: Footprint, part: string): number {
  return Math.round((footprint.peaks().get(part) ?? 0) / MB);
}

function tell(title: string, run: Swept, requests: ReadonlyMap<string, number>, parts: string[]): void {
  const writes = [...requests].reduce((sum, [what, n]) => (what.startsWith('GET') ? sum : sum + n), 0);
  process.stdout.write(
    [
      title,
      `  pages read                ${run.calls} (objects ${run.objects}, records ${run.records})`,
      `  writes to the simulator   ${writes}`,
      `  differences found         ${run.found}`,
      `  seconds                   ${run.seconds.toFixed(1)}`,
      `  requests                  ${[...requests].map(([what, n]) => `${what}: ${n}`).join(', ')}`,
      ...parts.map((part) => `  ${part}`),
      '',
    ].join('\n'),
  );
}

/** The highest of each quarter of a series: whether something grows. */
function quarters(series: readonly number[]): number[] {
  const size = Math.max(1, Math.ceil(series.length / 4));
  return [0, 1, 2, 3].map((quarter) => Math.max(0, ...series.slice(quarter * size, (quarter + 1) * size)));
}

/** Memory by part, before, and at most in each quarter of the time, in MB. */
async function watched(rig: Rig, work: () => Promise<Swept>): Promise<{ run: Swept; parts: string[] }> {
  const parted = [...rig.parts.keys()];
  const sample = (): ReadonlyMap<string, number> => {
    const footprint = watchProcesses(() => rig.parts);
    footprint.sampleMemory();
    return new Map(parted.map((part) => [part, memory(footprint, part)]));
  };
  const before = sample();
  const series: Array<ReadonlyMap<string, number>> = [];
  const sampling = setInterval(() => series.push(sample()), SAMPLE_MS);
  const run = await work();
  clearInterval(sampling);
  const parts = parted.map((part) => {
    const during = quarters(series.map((at) => at.get(part) ?? 0));
    return `MB ${part.padEnd(22)} ${before.get(part)} before; at most ${during.join(', ')} in the quarters of the time`;
  });
  return { run, parts };
}

async function measure(rig: Rig, pool: Pool, { customers, edited }: Wanted): Promise<void> {
  await firstSweepEnded(pool);
  say(`… ${customers} customers on both sides`);
  const ids = await seed(rig, pool, customers);
  say('… a sweep of unchanged customers');
  let since = new Date().toISOString();
  const calm = await watched(rig, () => swept(rig, pool));
  tell(`${customers} unchanged customers`, calm.run, await requestsSince(rig, since), calm.parts);
  say(`… ${edited} edits there, of which nobody tells`);
  await crowd([...Array(edited).keys()], TOGETHER, async (i) => {
    await rig.stripe.update(ids[i * Math.floor(customers / edited)]!, { name: `Edited ${i}` });
  });
  since = new Date().toISOString();
  const drift = await watched(rig, () => swept(rig, pool));
  tell(
    `${edited} of them edited there without an event, found and healed`,
    drift.run,
    await requestsSince(rig, since),
    [],
  );
}

const { values } = parseArgs({
  options: {
    customers: { type: 'string', default: '20000' },
    latency: { type: 'string', default: '0' },
    edited: { type: 'string', default: '200' },
  },
});
const variables = { SIMULATOR_FAULTS: '1', SIMULATOR_LATENCY_MS: values.latency };

runSession('bench:sweep', { totalMaxMs: TOTAL_MAX_MS, variables }, async (rig) => {
  const pool = new Pool({ connectionString: rig.wiring.databaseUrl, max: 4 });
  try {
    await measure(rig, pool, { customers: Number(values.customers), edited: Number(values.edited) });
    return true;
  } finally {
    await pool.end();
  }
});
