/** The order of looks, on a real Temporal server with scripted activities. */
import { EventEmitter, once } from 'node:events';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { Worker, WorkflowBundleOption } from '@temporalio/worker';
import type { Activities, LookEnd, OpenedLook, StepResult } from '../activities';
import { REMOTE_TROUBLE } from '../activities/failures';
import { parseCatalogName, parseConnectionName, parseRecordId, trusted } from '../src/core/ids';
import { bundleWorkflows } from '../src/temporal/bundle';
import { createDoorbell, ensureSearchAttributes, openClient } from '../src/temporal/client';
import { createWorkers } from '../src/temporal/worker';
import { stateQuery } from './messages';
import { freshNamespace } from '../test/environment/namespace';
import { until } from '../test/environment/until';

const STRIPE = trusted(parseConnectionName('stripe'), 'connection name');
const MEMORY = trusted(parseConnectionName('memory'), 'connection name');
const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');

/** A look at one or two links, as `openLook` would begin it. */
function opened(seq: number, connections: readonly string[] = ['stripe']): OpenedLook {
  const links = connections.map((connection, i) => ({ linkId: i + 1, lookId: seq, connection }));
  return { kind: 'open', seq, hint: 'local', version: 1, links, paused: [] };
}

function ended(next: StepResult['next'], more: Partial<StepResult> = {}): StepResult {
  return {
    next,
    what: 'scripted',
    version: 1,
    direction: null,
    reason: null,
    requestId: null,
    remoteId: null,
    ...more,
  };
}

interface Script {
  openLook: Activities['openLook'];
  hasNewer: Activities['hasNewer'];
  closeLook: Activities['closeLook'];
  examine: Activities['examine'];
  send: Activities['send'];
  trace: Activities['trace'];
}

let bundle: WorkflowBundleOption;
let native: NativeConnection;
let connection: Connection;
let client: Client;
let namespace: string;
let workers: Worker[] = [];
let running: Promise<unknown> = Promise.resolve();
let script: Script;
let records = 0;

function nextRecord() {
  records += 1;
  const id = `00000000-0000-7000-8000-${String(records).padStart(12, '0')}`;
  return { catalog: CUSTOMER, recordId: trusted(parseRecordId(id), 'record id') };
}

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('WARN') });
  const fresh = await freshNamespace();
  namespace = fresh.namespace;
  const { code } = await bundleWorkflows();
  bundle = { code };
  connection = await Connection.connect({ address: fresh.address });
  client = openClient({ address: fresh.address }, namespace);
  native = await NativeConnection.connect({ address: fresh.address });
  expect(await ensureSearchAttributes(client, namespace)).toEqual([]);
  workers = await createWorkers({
    connection: native,
    namespace,
    workflowBundle: bundle,
    activities: {
      openLook: (name) => script.openLook(name),
      hasNewer: (hint) => script.hasNewer(hint),
      closeLook: (end) => script.closeLook(end),
      examine: (link) => script.examine(link),
      send: (link) => script.send(link),
      trace: (link) => script.trace(link),
    },
    connections: [STRIPE, MEMORY],
    maxCachedWorkflows: 2,
  });
  running = Promise.all(workers.map((worker) => worker.run()));
}, 60_000);

afterAll(async () => {
  for (const worker of workers) worker.shutdown();
  await running;
  await native.close();
  await connection.close();
  await client.connection.close();
});

beforeEach(() => {
  script = {
    openLook: async () => opened(1),
    hasNewer: async () => false,
    closeLook: async () => 'done',
    examine: async () => ended('done'),
    send: async () => ended('done'),
    trace: async () => ended('done'),
  };
});

function doorbell() {
  return createDoorbell(client, ['stripe'], true);
}

async function ring(record = nextRecord()): Promise<WorkflowHandle> {
  await doorbell().ring(record);
  return client.workflow.getHandle(`customer/${record.recordId}`);
}

async function eventCount(
  handle: WorkflowHandle,
  kind: 'timerStartedEventAttributes' | 'timerCanceledEventAttributes',
): Promise<number> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).filter((event) => Boolean(event[kind])).length;
}

test('a quiet record has no open run: one hint, one look, and the run completes', async () => {
  const ends: LookEnd[] = [];
  script.closeLook = async (end) => {
    ends.push(end);
    return 'done';
  };
  const handle = await ring();
  expect(await handle.result()).toEqual({
    looks: 1,
    outcome: 'in_sync',
    version: 1,
    steps: { stripe: 'scripted' },
  });
  expect(ends).toEqual([expect.objectContaining({ seq: 1, unfinished: [], paused: [] })]);
});

test('an intent that was written is sent, in the same look', async () => {
  const calls: string[] = [];
  script.examine = async () => {
    calls.push('examine');
    return ended('send');
  };
  script.send = async () => {
    calls.push('send');
    return ended('done', { direction: 'out' });
  };
  await (await ring()).result();
  expect(calls).toEqual(['examine', 'send']);
});

test('failure 53: a hint during the look is looked at again before the run ends', async () => {
  const record = nextRecord();
  let looks = 0;
  script.openLook = async () => opened((looks += 1));
  script.examine = async () => {
    if (looks === 1) await doorbell().ring(record);
    return ended('done');
  };
  const handle = await ring(record);
  expect(await handle.result()).toMatchObject({ looks: 2 });
});

test('I10: a row with a newer hint is looked at again, also when its ring never comes', async () => {
  let looks = 0;
  script.openLook = async () => opened((looks += 1));
  script.closeLook = async ({ seq }) => (seq === 1 ? 'newer' : 'done');
  expect(await (await ring()).result()).toMatchObject({ looks: 2, outcome: 'in_sync' });
});

test('failure 42: what was hinted during a look waits for its ring, so that a stream of changes is looked at as often as it rings', async () => {
  const record = nextRecord();
  let looks = 0;
  script.openLook = async () => opened((looks += 1));
  script.closeLook = async ({ seq }) => (seq <= 3 ? 'newer' : 'done');
  const handle = await ring(record);
  for (const rung of [1, 2, 3]) {
    await until('it waits', async () => (await eventCount(handle, 'timerStartedEventAttributes')) === rung);
    expect(looks).toBe(rung);
    await doorbell().ring(record);
  }
  expect(await handle.result()).toMatchObject({ looks: 4, outcome: 'in_sync' });
  expect(await eventCount(handle, 'timerCanceledEventAttributes')).toBe(3);
});

test('failure 42: one look writes once: what has moved on since is for the next one, and its row stands until then', async () => {
  const acknowledged: number[] = [];
  let looks = 0;
  script.openLook = async () => opened((looks += 1));
  script.examine = async ({ lookId }) =>
    lookId === 1 ? ended('examine', { direction: 'out' }) : ended('done', { direction: 'out' });
  script.closeLook = async ({ seq }) => {
    acknowledged.push(seq);
    return 'done';
  };
  const handle = await ring();
  expect(await handle.result()).toMatchObject({ looks: 2, outcome: 'in_sync' });
  expect(acknowledged).toEqual([2]);
  expect(await eventCount(handle, 'timerStartedEventAttributes')).toBe(1);
});

test('a look that asks for another one is not acknowledged before that one has been', async () => {
  const acknowledged: number[] = [];
  let looks = 0;
  script.openLook = async () => opened((looks += 1));
  script.examine = async ({ lookId }) => ended(lookId === 1 ? 'again' : 'done');
  script.closeLook = async ({ seq }) => {
    acknowledged.push(seq);
    return 'done';
  };
  await (await ring()).result();
  expect(acknowledged).toEqual([2]);
});

test('I14: looks that never come to rest end the run, and the last one says which link it is', async () => {
  const ends: LookEnd[] = [];
  script.openLook = async () => opened(1, ['stripe', 'memory']);
  script.examine = async ({ connection: name }) => ended(name === 'memory' ? 'done' : 'again');
  script.closeLook = async (end) => {
    ends.push(end);
    return 'done';
  };
  const { looks, outcome } = await (await ring()).result();
  expect([looks, outcome]).toEqual([8, 'waiting']);
  const reason = { code: 'restless', field: null, detail: null };
  expect(ends.map(({ unfinished }) => unfinished)).toEqual([
    [expect.objectContaining({ connection: 'stripe', outcome: 'waiting', reason })],
  ]);
});

test('I14: a link that newer looks take over again and again is theirs to tell of: nothing is said of it', async () => {
  let acknowledged = 0;
  script.examine = async () => ended('stale');
  script.closeLook = async () => {
    acknowledged += 1;
    return 'done';
  };
  const { looks } = await (await ring()).result();
  expect([looks, acknowledged]).toEqual([8, 0]);
});

test('I15: a connection whose attempts are used up leaves the row waiting, and the other link is finished', async () => {
  const ends: LookEnd[] = [];
  script.openLook = async () => opened(1, ['stripe', 'memory']);
  script.examine = async (link) => {
    if (link.connection === 'memory') return ended('done', { direction: 'in' });
    const reason = { code: 'unavailable', field: null, detail: 'ECONNREFUSED' };
    throw ApplicationFailure.create({
      type: REMOTE_TROUBLE,
      message: 'away',
      details: [reason],
      nonRetryable: true,
    });
  };
  script.closeLook = async (end) => {
    ends.push(end);
    return 'done';
  };
  expect(await (await ring()).result()).toMatchObject({ looks: 1, outcome: 'waiting' });
  expect(ends[0]?.unfinished).toEqual([
    expect.objectContaining({
      connection: 'stripe',
      outcome: 'waiting',
      reason: expect.objectContaining({ code: 'unavailable' }),
    }),
  ]);
});

test('Postgres away: the run ends by itself, nothing fails, and the row rings again when its lease is over', async () => {
  script.openLook = async () => {
    throw ApplicationFailure.nonRetryable('away');
  };
  expect(await (await ring()).result()).toMatchObject({ looks: 1, outcome: 'unfinished' });
});

test('I13: thousands of hints in one run continue as new, lose nothing, and no run grows past 1,000 events', async () => {
  const record = nextRecord();
  const LOOKS = 120;
  let looks = 0;
  script.openLook = async () => opened((looks += 1));
  script.examine = async () => {
    if (looks < LOOKS) await doorbell().ring(record);
    return ended('send');
  };
  const handle = await ring(record);
  await until('all looks were made', async () => looks >= LOOKS, 60_000);
  await handle.result();
  const runs = [];
  for await (const run of client.workflow.list({ query: `WorkflowId = 'customer/${record.recordId}'` }))
    runs.push(run);
  for (const run of runs) {
    const history = await client.workflow.getHandle(run.workflowId, run.runId).fetchHistory();
    expect(history.events?.length).toBeLessThan(1_000);
  }
  expect(runs.length).toBeGreaterThan(1);
}, 90_000);

test('an engineer asks the open run what it is doing', async () => {
  const held = new EventEmitter();
  script.examine = async () => {
    await once(held, 'release');
    return ended('done');
  };
  const record = nextRecord();
  const handle = await ring(record);
  await until('the look is under way', async () => (await handle.query(stateQuery)).phase === 'looking');
  expect(await handle.query('state')).toMatchObject({
    recordId: record.recordId,
    phase: 'looking',
    looks: 1,
    version: 1,
  });
  held.emit('release');
  await handle.result();
});

test('search attributes name the catalog and connections, and an outcome only when it is not in sync', async () => {
  const fine = await ring();
  await fine.result();
  script.examine = async () =>
    ended('parked', { reason: { code: 'rejected', field: 'email', detail: null } });
  const parked = await ring();
  await parked.result();
  const { searchAttributes } = await fine.describe();
  expect(searchAttributes).toMatchObject({
    CounterpartCatalog: ['customer'],
    CounterpartConnections: ['stripe'],
  });
  expect(searchAttributes).not.toHaveProperty('CounterpartOutcome');
  expect((await parked.describe()).searchAttributes).toMatchObject({ CounterpartOutcome: ['parked'] });
});

test('a person who terminates a run by hand loses nothing: the next ring starts a fresh one', async () => {
  const record = nextRecord();
  let stuck = true;
  script.examine = async () => {
    if (stuck) await until('released', async () => !stuck);
    return ended('done');
  };
  const first = await ring(record);
  await until('the look is under way', async () => (await first.query(stateQuery)).phase === 'looking');
  await first.terminate('by hand');
  await expect(first.result()).rejects.toBeInstanceOf(WorkflowFailedError);
  stuck = false;
  expect(await (await ring(record)).result()).toMatchObject({ outcome: 'in_sync' });
});
