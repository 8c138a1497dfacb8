/** Failure 45: a deploy that cannot replay a thousand open runs, and its roll-back. Nobody does anything about it. */
import { parseCatalogName, parseRecordId, trusted } from '../../src/core/ids';
import { countFailedRuns } from '../../src/temporal/failedRuns';
import { createDoorbell } from '../../src/temporal/client';
import { startStage } from '../e2e/stage';
import type { Loose, Stage } from '../e2e/stage';
import { until } from '../environment/until';
import { anotherWorker, makeBadRelease } from './programs';
import type { AnotherWorker, BadRelease } from './programs';
import { openRuns } from './runs';
import type { Runs } from './runs';
import { startWire } from './wire';
import type { Wire } from './wire';

const STORY_MS = 400_000;
const CONVERGED_MS = 240_000;
const RECORDS = 1_000;
const RINGS_TOGETHER = 16;
/** An examination that nobody takes gives up after 75 s, and its run ends. */
const TAKEN_MS = 70_000;
const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');

/** How the SDK begins the failure of such a run: github.com/temporalio/rules, rule TMPRL1100. */
const NONDETERMINISM = '[TMPRL1100] Nondeterminism error';

let stage: Stage;
let runs: Runs;
let wire: Wire;
let release: BadRelease;
let workers: AnotherWorker[];

beforeEach(async () => {
  stage = await startStage({ start: false });
  runs = await openRuns(stage.temporal);
  wire = await startWire(stage.temporal.address);
  release = makeBadRelease();
  workers = [];
  await stage.api.start();
}, 60_000);

afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await runs.close();
  await wire.close();
  await stage.close();
  release.remove();
}, 60_000);

async function started(env: Record<string, string> = {}, root?: string): Promise<AnotherWorker> {
  const worker = await anotherWorker(stage, env, root);
  workers.push(worker);
  await worker.start();
  return worker;
}

async function count(sql: string): Promise<number> {
  return (await stage.pool.query(`select count(*)::int as n from ${sql}`)).rows[0].n;
}

/** Each record has a run that has taken its link and waits for its examination: nobody takes calls to Stripe. */
async function thousandOpenRuns(): Promise<void> {
  wire.watch = async ({ method, when }) => {
    if (method === 'PollActivityTaskQueue' && when === 'asked') await new Promise(() => undefined);
  };
  const worker = await started({ TEMPORAL_ADDRESS: wire.address });
  const { rows } = await stage.pool.query(
    `insert into counterpart.customers (name, email)
     select 'Deployed ' || n, 'deployed' || n || '@example.com' from generate_series(1, ${RECORDS}) as n returning id`,
  );
  const doorbell = createDoorbell(runs.client, ['stripe'], true);
  // as the relay: what Temporal did not take in time is rung again
  let waiting: readonly string[] = rows.map(({ id }) => id);
  while (waiting.length > 0) {
    const together = waiting.slice(0, RINGS_TOGETHER);
    const rings = await Promise.allSettled(
      together.map((id) =>
        doorbell.ring({ catalog: CUSTOMER, recordId: trusted(parseRecordId(id), 'record id') }),
      ),
    );
    const refused = together.filter((_, i) => rings[i]?.status === 'rejected');
    waiting = [...waiting.slice(RINGS_TOGETHER), ...refused];
  }
  const taken = async () => (await count('counterpart.links where run_id is not null')) === RECORDS;
  await until('every run has taken its link', taken, TAKEN_MS);
  await worker.kill();
  expect(await runs.count(`ExecutionStatus = 'Running' and WorkflowType = 'customer'`)).toBe(RECORDS);
  wire.watch = async () => undefined;
}

async function converged(): Promise<void> {
  await until('nothing waits', async () => (await count('counterpart.work_queue')) === 0, CONVERGED_MS);
  expect(await count(`counterpart.links where state = 'linked' and outcome = 'in_sync'`)).toBe(RECORDS);
  const objects = (await stage.writes()).filter(({ path }: Loose) => path === '/v1/customers');
  expect(new Set(objects.map((write) => write.idempotency_key)).size).toBe(RECORDS);
  const { data } = await stage.stripe('GET', '/_sim/requests?limit=10000&writes=1');
  expect(data.filter(({ method }: Loose) => method === 'DELETE')).toEqual([]);
}

async function failedRuns(): Promise<number> {
  await until('no run is open', async () => (await runs.count(`ExecutionStatus = 'Running'`)) === 0);
  return runs.count(`ExecutionStatus = 'Failed'`);
}

/** Every one of them, and for the one permitted cause. */
async function causes(): Promise<string[]> {
  const found = new Set<string>();
  for await (const { workflowId, runId } of runs.client.workflow.list({
    query: `ExecutionStatus = 'Failed'`,
  })) {
    const { events } = await runs.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const failure = events?.at(-1)?.workflowExecutionFailedEventAttributes?.failure;
    found.add(String(failure?.message).replace(/:.*/, ''));
  }
  return [...found];
}

test(
  'failure 45, I1, I2, I13: a release that cannot replay takes over 1,000 open runs and stays: they fail, and everything arrives by itself',
  async () => {
    await thousandOpenRuns();
    const began = performance.now();
    await started({}, release.root);
    await converged();
    const took = performance.now() - began;
    const failed = await failedRuns();
    expect(await causes()).toEqual([NONDETERMINISM]);
    expect(failed).toBeGreaterThan(RECORDS / 2);
    // what the worker's gauge tells
    expect(await countFailedRuns(runs.client)).toBe(failed);
    console.log(`bad release, kept: ${failed} runs failed; all in sync after ${(took / 1000).toFixed(1)} s`);
  },
  STORY_MS,
);

test(
  'failure 45, I1, I2, I13: it is rolled back in the middle: runs of both releases fail under the other, and everything arrives by itself',
  async () => {
    await thousandOpenRuns();
    const began = performance.now();
    const bad = await started({}, release.root);
    const some = async () => (await runs.count(`ExecutionStatus = 'Completed'`)) > RECORDS / 4;
    await until('some runs of its own are over', some, CONVERGED_MS);
    await bad.kill();
    await started();
    await converged();
    const took = performance.now() - began;
    const failed = await failedRuns();
    expect(await causes()).toEqual([NONDETERMINISM]);
    console.log(
      `bad release, rolled back: ${failed} runs failed; all in sync after ${(took / 1000).toFixed(1)} s`,
    );
  },
  STORY_MS,
);
