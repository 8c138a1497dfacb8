/** The order of a sweep's batches, on a real Temporal server with scripted activities. */
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { Worker } from '@temporalio/worker';
import type { Activities, SweepActivities, SweepBatch } from '../activities';
import { parseConnectionName, trusted } from '../src/core/ids';
import { bundleWorkflows } from '../src/temporal/bundle';
import { openClient } from '../src/temporal/client';
import { keepSweepSchedule, ringSweep } from '../src/temporal/sweeps';
import { createWorkers } from '../src/temporal/worker';
import { freshNamespace } from '../test/environment/namespace';
import { until } from '../test/environment/until';

const STORY_MS = 60_000;
const STRIPE = trusted(parseConnectionName('stripe'), 'connection name');
const IDLE: SweepBatch = {
  next: 'idle',
  ms: 0,
  waitsFor: null,
  phase: null,
  objects: 0,
  records: 0,
  found: 0,
};
const MORE: SweepBatch = { ...IDLE, next: 'more', phase: 'objects' };
const WAIT: SweepBatch = { ...MORE, next: 'wait', ms: 3_600_000, waitsFor: 'paused' };

let client: Client;
let native: NativeConnection;
let workers: Worker[];
let running: Promise<unknown>;
let batches = 0;
let requested = 0;
let script: (batch: number) => SweepBatch | Promise<SweepBatch>;

const notHere = async (): Promise<never> => {
  throw new Error('No look is taken here');
};
const activities: Activities & SweepActivities = {
  openLook: notHere,
  hasNewer: notHere,
  closeLook: notHere,
  examine: notHere,
  send: notHere,
  trace: notHere,
  requestSweeps: async () => (requested += 1),
  sweepBatch: async () => script((batches += 1)),
};

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const { address, namespace } = await freshNamespace();
  client = openClient({ address }, namespace);
  native = await NativeConnection.connect({ address });
  workers = await createWorkers({
    connection: native,
    namespace,
    workflowBundle: await bundleWorkflows(),
    activities,
    connections: [STRIPE],
  });
  running = Promise.all(workers.map((worker) => worker.run()));
}, STORY_MS);

beforeEach(() => {
  batches = 0;
});

afterAll(async () => {
  for (const worker of workers) worker.shutdown();
  await running;
  await native.close();
  await client.connection.close();
}, STORY_MS);

const run = () => client.workflow.getHandle('sweep/stripe');
const ended = () => until('the run ended', async () => (await run().describe()).status.name !== 'RUNNING');

test('batch follows batch until no sweep is open', async () => {
  script = (batch) => (batch < 4 ? MORE : IDLE);
  await ringSweep(client, STRIPE);
  expect(await run().result()).toEqual({ batches: 4 });
});

test('a run that waits for a resume goes on at once when it is rung', async () => {
  script = (batch) => (batch === 1 ? WAIT : IDLE);
  await ringSweep(client, STRIPE);
  await until('it waits', async () => batches === 1);
  await ringSweep(client, STRIPE);
  expect(await run().result()).toEqual({ batches: 2 });
});

test('a batch that failed for good ends nothing: the run waits, and goes on when it is rung', async () => {
  script = (batch) => {
    if (batch === 1) throw ApplicationFailure.nonRetryable('Postgres is away');
    return IDLE;
  };
  await ringSweep(client, STRIPE);
  await until('it failed once', async () => batches === 1);
  await ringSweep(client, STRIPE);
  expect(await run().result()).toEqual({ batches: 2 });
});

test('a sweep that is asked for while the last batch finds none open is not left out', async () => {
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  script = async (batch) => {
    if (batch === 1) await held;
    return IDLE;
  };
  await ringSweep(client, STRIPE);
  await until('the batch is under way', async () => batches === 1);
  await ringSweep(client, STRIPE);
  letGo();
  expect(await run().result()).toEqual({ batches: 2 });
});

test('I13: a thousand pages are several runs, none of which grows past 1,000 events', async () => {
  script = (batch) => (batch < 200 ? MORE : IDLE);
  await ringSweep(client, STRIPE);
  await until('all batches were made', async () => batches === 200, STORY_MS);
  await ended();
  let runs = 0;
  for await (const { runId } of client.workflow.list({ query: `WorkflowId = 'sweep/stripe'` })) {
    const { events } = await client.workflow.getHandle('sweep/stripe', runId).fetchHistory();
    expect(events?.length ?? 0).toBeLessThan(1_000);
    runs += 1;
  }
  expect(runs).toBeGreaterThan(4);
}, 90_000);

test(
  'the schedule is made, changed and taken away; each may be said twice',
  async () => {
    const schedule = client.schedule.getHandle('counterpart-sweeps');
    const times = async () => (await schedule.describe()).spec.calendars?.map(({ hour }) => hour?.[0]?.start);
    await keepSweepSchedule(client, '0 3 * * *');
    await keepSweepSchedule(client, '0 3 * * *');
    expect(await times()).toEqual([3]);
    await schedule.pause('by a person');
    await keepSweepSchedule(client, '0 4 * * *');
    expect(await times()).toEqual([4]);
    expect((await schedule.describe()).state).toMatchObject({ paused: true, note: 'by a person' });
    await schedule.trigger();
    await until('it asked for sweeps', async () => requested === 1);
    await keepSweepSchedule(client, null);
    await keepSweepSchedule(client, null);
    await expect(schedule.describe()).rejects.toThrow();
  },
  STORY_MS,
);
