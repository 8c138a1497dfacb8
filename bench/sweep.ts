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
import { createStage } from './rig';
import type { Rig } from './rig';

const TOGETHER = 48;
const SAMPLE_MS = 500;
const POLL_MS = 200;
const SEED_ROWS = 5_000;
const TOTAL_MAX_MS = 30 * 60_000;
const MB = 1024 * 1024;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

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

/** Runs `work` for 0 to count - 1, several at a time. */
async function each(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: TOGETHER }, async () => {
      for (let i = next++; i < count; i = next++) await work(i);
    }),
  );
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
  await each(customers, async (i) => void (ids[i] = (await rig.stripe.create(names(i))).id));
  await pool.query('alter table counterpart.customers disable trigger user');
  for (let from = 0; from < customers; from += SEED_ROWS) {
    const rows = ids.slice(from, from + SEED_ROWS).map((id, i) => ({ remote_id: id, ...names(from + i) }));
    await pool.query(
      `with given as (select counterpart.uuidv7() as id, t.* from jsonb_to_recordset($1::jsonb)
         as t (remote_id text, name text, email text)),
       here as (insert into counterpart.customers (id, name, email) select id, name, email from given)
       insert into counterpart.links (connection, catalog, record_id, generation, remote_id, state, born, base,
         agreed_version, outcome, last_synced_at)
       select 'stripe', 'customer', id, 1, remote_id, 'linked', 'remote', jsonb_build_object(
         'name', jsonb_build_object('ours', name, 'theirs', name),
         'email', jsonb_build_object('ours', email, 'theirs', email)), 1, 'in_sync', now() from given`,
      [JSON.stringify(rows)],
    );
  }
  await pool.query('alter table counterpart.customers enable trigger user');
  await pool.query('analyze counterpart.customers, counterpart.links');
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
  await each(edited, async (i) =>
    rig.stripe.update(ids[i * Math.floor(customers / edited)]!, { name: `Edited ${i}` }),
  );
  since = new Date().toISOString();
  const drift = await watched(rig, () => swept(rig, pool));
  tell(
    `${edited} of them edited there without an event, found and healed`,
    drift.run,
    await requestsSince(rig, since),
    [],
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      customers: { type: 'string', default: '20000' },
      latency: { type: 'string', default: '0' },
      edited: { type: 'string', default: '200' },
    },
  });
  const stage = await createStage(say, { SIMULATOR_FAULTS: '1', SIMULATOR_LATENCY_MS: values.latency });
  setTimeout(() => stage.kill(), TOTAL_MAX_MS).unref();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      stage.kill();
      process.exit(1);
    });
  }
  let pool: Pool | null = null;
  try {
    say('… starting the system');
    const rig = await stage.start();
    pool = new Pool({ connectionString: rig.wiring.databaseUrl, max: 4 });
    await measure(rig, pool, { customers: Number(values.customers), edited: Number(values.edited) });
  } finally {
    await pool?.end();
    await stage.stop();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    say(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exit(1);
  },
);
