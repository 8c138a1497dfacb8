/**
 * MEASURE. `npm run bench:burst` starts the whole system, changes very many rows by one SQL statement, and measures what
 * that costs and who waits for it: the statement with and without our triggers, the relay's claim, /status, memory, and
 * single edits made while the backlog stands.
 *   --rows <n>   default 100,000
 * May touch: everything, as a composition root does. Touched by nobody.
 */
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { openDatabase } from '../src/store/database';
import { createStore } from '../src/store/store';
import { watchProcesses } from './footprint';
import type { Footprint } from './footprint';
import { propagationOut } from './propagation';
import { quantiles } from './quantiles';
import type { Quantiles } from './quantiles';
import type { Rig } from './rig';
import { runSession, say } from './session';
import { until } from './pace';

const ROWS = 100_000;
/** Even, so that none gets the same name twice. */
const LIVE_CUSTOMERS = 50;
const READINGS = 10;
const QUIET_MAX_MS = 120_000;
const POLL_MS = 100;
const TOTAL_MAX_MS = 30 * 60_000;
const BYTES_PER_MB = 1024 * 1024;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function row(what: string, value: string): string {
  return `${what.padEnd(62)} ${value.padStart(12)}`;
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

function spread(values: readonly number[] | Quantiles): string {
  const { p50, max } = Array.isArray(values) ? quantiles(values) : (values as Quantiles);
  return `${ms(p50)}, at most ${ms(max)}`;
}

/** The rows to be changed, as a database that was filled before Counterpart came has them. */
async function fill(sql: Client, rows: number): Promise<void> {
  await sql.query('alter table counterpart.customers disable trigger user');
  await sql.query(
    `insert into counterpart.customers (name, email)
     select 'Import ' || n, 'import' || n || '@burst.example' from generate_series(1, $1) as n`,
    [rows],
  );
  await sql.query('alter table counterpart.customers enable trigger user');
  await sql.query('vacuum analyze counterpart.customers');
}

const UPDATE = `update counterpart.customers set name = name || '!' where email like 'import%'`;

/** The same statement without our triggers, undone. */
async function plainUpdate(sql: Client): Promise<number> {
  await sql.query('begin');
  await sql.query('alter table counterpart.customers disable trigger user');
  const took = await timed(() => sql.query(UPDATE));
  await sql.query('rollback');
  return took;
}

/** A claim as the relay makes it, undone each time, so that the backlog stays as it is. */
async function claims(databaseUrl: string): Promise<number[]> {
  const database = openDatabase(databaseUrl, { max: 1, name: 'bench', onIdleError: () => undefined });
  const store = createStore(database);
  const undone = new Error('undone');
  const taken: number[] = [];
  for (let i = 0; i < READINGS; i += 1) {
    await store
      .transact(async ({ queue }) => {
        taken.push(
          await timed(() => queue.claimDue({ rows: 64, inFlight: 100_000 }, { ms: 10_000, maxMs: 300_000 })),
        );
        throw undone;
      })
      .catch((error: unknown) => {
        if (error !== undone) throw error;
      });
  }
  await database.close();
  return taken;
}

async function statusTimes(apiUrl: string): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < READINGS; i += 1) {
    taken.push(await timed(async () => (await fetch(`${apiUrl}/status`)).json()));
  }
  return taken;
}

/** Peak memory of api and worker, MB. */
function memory(footprint: Footprint): string {
  footprint.sampleMemory();
  const peaks = footprint.peaks();
  return ['api', 'worker'].map((part) => ((peaks.get(part) ?? 0) / BYTES_PER_MB).toFixed(0)).join(' / ');
}

async function liveCustomers(rig: Rig, sql: Client) {
  await sql.query(
    `insert into counterpart.customers (name, email)
     select 'Live ' || n, 'live' || n || '@burst.example' from generate_series(1, $1) as n`,
    [LIVE_CUSTOMERS],
  );
  await until('the live customers are in sync', QUIET_MAX_MS, POLL_MS, async () => {
    return (await rig.local.queueDepth()) === 0;
  });
  return rig.local.known();
}

async function measure(rig: Rig, rows: number): Promise<string[]> {
  const sql = new Client({ connectionString: rig.wiring.databaseUrl, application_name: 'counterpart bench' });
  await sql.connect();
  const footprint = watchProcesses(() => rig.parts);
  const live = await liveCustomers(rig, sql);
  const quiet = await propagationOut(rig, live);
  await fill(sql, rows);
  const before = memory(footprint);
  const plain = await plainUpdate(sql);
  say(`… one UPDATE of ${rows} rows`);
  const captured = await timed(() => sql.query(UPDATE));
  const depth = await rig.local.queueDepth();
  const claimed = await claims(rig.wiring.databaseUrl);
  say('… single edits while the backlog stands');
  // the other way round, so that each gets another name than before
  const during = await propagationOut(rig, live.toReversed());
  const status = await statusTimes(rig.wiring.apiUrl);
  const lines = [
    row(`one UPDATE of ${rows} rows, without our triggers`, ms(plain)),
    row('the same with them', ms(captured)),
    row('queue rows after it', String(depth)),
    row('a claim of 64 rows out of them', spread(claimed)),
    row('GET /status meanwhile', spread(status)),
    row('a single edit to Stripe on an idle system', spread(quiet)),
    row('a single edit to Stripe while the backlog stands', spread(during)),
    row('queue rows still waiting then', String(await rig.local.queueDepth())),
    row('peak memory of api / worker before, MB', before),
    row('peak memory of api / worker after, MB', memory(footprint)),
  ];
  await sql.end();
  return lines;
}

const { values } = parseArgs({ options: { rows: { type: 'string', default: String(ROWS) } } });

runSession('bench:burst', { totalMaxMs: TOTAL_MAX_MS }, async (rig) => {
  const lines = await measure(rig, Number(values.rows));
  process.stdout.write(`${lines.join('\n')}\n`);
  return true;
});
