/** Failure 44: a worker ends in the middle of calls, politely, by force, or by standing still; another one takes its work up. */
import { startStage } from '../e2e/stage';
import type { Loose, Stage } from '../e2e/stage';
import { until } from '../environment/until';
import { anotherWorker } from './programs';
import type { AnotherWorker } from './programs';
import { openRuns } from './runs';
import type { Runs } from './runs';
import { startWire } from './wire';
import type { Wire } from './wire';

const STORY_MS = 180_000;
const IN_FLIGHT = 40;
/** What is promised: from the death of a worker to the next attempt at what it did. */
const NEXT_ATTEMPT_MS = 15_000;
const CONVERGED_MS = 60_000;

let stage: Stage;
let runs: Runs;
let wire: Wire;
let other: AnotherWorker;
/** The other worker is up from the beginning and takes no work before this. */
let relieve: () => void;

beforeEach(async () => {
  stage = await startStage({ simulator: { faults: true } });
  runs = await openRuns(stage.temporal);
  wire = await startWire(stage.temporal.address);
  const relieved = new Promise<void>((resolve) => (relieve = resolve));
  wire.watch = async ({ method, when }) => {
    if (method.startsWith('Poll') && when === 'asked') await relieved;
  };
  other = await anotherWorker(stage, { TEMPORAL_ADDRESS: wire.address });
  await other.start();
}, 90_000);

afterEach(async () => {
  relieve();
  await other.stop();
  await wire.close();
  await runs.close();
  await stage.close();
}, 60_000);

async function fault(...faults: object[]): Promise<void> {
  await stage.stripe('POST', '/_sim/faults', { faults } as Loose);
}

async function settled(): Promise<void> {
  await until(
    'nothing waits',
    async () => (await stage.pool.query('select from counterpart.work_queue')).rowCount === 0,
    CONVERGED_MS,
  );
}

async function sent(): Promise<number> {
  return (await stage.pool.query('select count(*)::int as n from counterpart.intents where sends > 0'))
    .rows[0].n;
}

/** Creates of so many customers are on their way to Stripe. */
async function manyInFlight(): Promise<void> {
  await stage.pool.query(
    `insert into counterpart.customers (name, email)
     select 'Handed ' || n, 'handed' || n || '@example.com' from generate_series(1, ${IN_FLIGHT}) as n`,
  );
  await until('all are on their way', async () => (await sent()) === IN_FLIGHT);
}

async function customersThere(): Promise<number> {
  return (await stage.stripe('GET', '/v1/customers?limit=100')).data.length;
}

async function creates(): Promise<Loose[]> {
  return (await stage.writes()).filter(({ path }: Loose) => path === '/v1/customers');
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

test(
  'failure 44: SIGTERM with calls under way: they are finished, the other worker goes on, and no call is made twice',
  async () => {
    await fault({ name: 'slow', method: 'POST', path: '/v1/customers', times: null, delay_ms: 2_500 });
    await manyInFlight();
    const began = performance.now();
    const ended = stage.worker.stop().then((code) => ({ code, after: performance.now() - began }));
    relieve();
    const { code, after } = await ended;
    expect(code).toBe(0);
    await settled();
    const all = performance.now() - began;
    expect(await customersThere()).toBe(IN_FLIGHT);
    expect(await creates()).toHaveLength(IN_FLIGHT);
    console.log(
      `SIGTERM, ${IN_FLIGHT} calls of 2.5 s under way: it ended after ${seconds(after)}, all in sync after ${seconds(all)}`,
    );
  },
  STORY_MS,
);

test(
  'failure 44, 11: SIGTERM with calls that never end: the worker ends in time, the other repeats them with their keys, and nothing is doubled',
  async () => {
    await fault({ name: 'hang', method: 'POST', path: '/v1/customers', times: null });
    await manyInFlight();
    const began = performance.now();
    relieve();
    const code = await stage.worker.stop();
    const after = performance.now() - began;
    expect(code).toBe(0);
    await stage.stripe('DELETE', '/_sim/faults');
    await settled();
    const all = performance.now() - began;
    expect(await customersThere()).toBe(IN_FLIGHT);
    expect(new Set((await creates()).map((write) => write.idempotency_key)).size).toBe(IN_FLIGHT);
    console.log(
      `SIGTERM, ${IN_FLIGHT} calls that hang: it ended after ${seconds(after)}, all in sync after ${seconds(all)}`,
    );
  },
  STORY_MS,
);

interface Linked {
  readonly id: string;
  readonly remoteId: string;
}

async function show(id: string): Promise<Loose> {
  return (await stage.call('GET', `/customers/${id}`)).body;
}

async function linked(): Promise<Linked> {
  const { body } = await stage.call('POST', '/customers', { name: 'Before', email: 'before@example.com' });
  await until('it is in sync', async () => (await show(body.id)).sync[0].state === 'in_sync');
  await settled();
  return { id: body.id, remoteId: (await show(body.id)).sync[0].remote_id };
}

async function edit({ id }: Linked): Promise<void> {
  await stage.call('PATCH', `/customers/${id}`, { name: 'After' });
}

/** Attempts of the activity under way; 0 when there is none. */
async function attempt({ id }: Linked): Promise<number> {
  const { raw } = await runs.client.workflow.getHandle(`customer/${id}`).describe();
  // temporal.api.enums.v1.PendingActivityState: 2 is STARTED
  const under = (raw.pendingActivities ?? []).filter(({ state }) => Number(state) === 2);
  return Math.max(0, ...under.map((activity) => activity.attempt ?? 0));
}

async function locked(): Promise<boolean> {
  const { rowCount } = await stage.pool.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rowCount !== 0;
}

/** Holds a row until it is let go. */
async function hold(sql: string): Promise<() => Promise<void>> {
  const holder = await stage.pool.connect();
  await holder.query('begin');
  await holder.query(sql);
  return async () => {
    await holder.query('commit');
    holder.release();
  };
}

/** Brings the worker into the middle of a step. @returns how to end what holds it there */
type Middle = (customer: Linked) => Promise<() => Promise<void>>;

const inCall =
  (method: string): Middle =>
  async (customer) => {
    await fault({ name: 'hang', method, path: '/v1/customers/:id', times: 1 });
    await edit(customer);
    const under =
      method === 'GET' ? async () => (await attempt(customer)) === 1 : async () => (await sent()) === 2;
    await until('the call is under way', under);
    return async () => undefined;
  };

const MIDDLES: Record<string, Middle> = {
  'the opening of a look': async (customer) => {
    const letGo = await hold('select from counterpart.links for update');
    await edit(customer);
    await until('it stands before a lock', locked);
    return letGo;
  },
  'a reading call': inCall('GET'),
  'a writing call': inCall('POST'),
  'the end of a look': async (customer) => {
    await fault({ name: 'slow', method: 'POST', path: '/v1/customers/:id', times: 1, delay_ms: 1_000 });
    await edit(customer);
    await until('the call is under way', async () => (await sent()) === 2);
    const letGo = await hold('select from counterpart.work_queue for update');
    await until('it stands before a lock', locked);
    return letGo;
  },
};

async function standsThere({ remoteId }: Linked): Promise<boolean> {
  return (await stage.stripe('GET', `/v1/customers/${remoteId}`)).name === 'After';
}

test.each(Object.entries(MIDDLES))(
  'failure 44: SIGKILL in the middle of %s: the next attempt comes within 15 s, and one write stands there',
  async (step, bring) => {
    const customer = await linked();
    const letGo = await bring(customer);
    relieve();
    await stage.worker.kill();
    const began = performance.now();
    await letGo();
    const idle = async () => (await stage.pool.query('select from counterpart.work_queue')).rowCount === 0;
    await until(
      'the next attempt',
      async () => (await attempt(customer)) > 1 || (await idle()),
      NEXT_ATTEMPT_MS,
    );
    const after = performance.now() - began;
    await settled();
    const all = performance.now() - began;
    expect(await standsThere(customer)).toBe(true);
    expect(await customersThere()).toBe(1);
    const updates = (await stage.writes()).filter(({ path }: Loose) => path !== '/v1/customers');
    expect(new Set(updates.map((write) => write.idempotency_key)).size).toBe(1);
    console.log(`SIGKILL in ${step}: next attempt after ${seconds(after)}, in sync after ${seconds(all)}`);
  },
  STORY_MS,
);

test(
  'failure 44, 54: SIGSTOP in the middle of a call: the other worker takes it up within 15 s, and the one that wakes does no harm',
  async () => {
    const customer = await linked();
    await fault({ name: 'slow', method: 'POST', path: '/v1/customers/:id', times: 1, delay_ms: 6_000 });
    await edit(customer);
    await until('the call is under way', async () => (await sent()) === 2);
    relieve();
    expect(await attempt(customer)).toBe(1);
    stage.worker.pause();
    const began = performance.now();
    const idle = async () => (await stage.pool.query('select from counterpart.work_queue')).rowCount === 0;
    await until(
      'the next attempt',
      async () => (await attempt(customer)) > 1 || (await idle()),
      NEXT_ATTEMPT_MS,
    );
    const after = performance.now() - began;
    await settled();
    stage.worker.continue();
    await stage.call('PATCH', `/customers/${customer.id}`, { email: 'later@example.com' });
    const later = async () =>
      (await stage.stripe('GET', `/v1/customers/${customer.remoteId}`)).email === 'later@example.com';
    await until('a later change stands there', later, CONVERGED_MS);
    await settled();
    expect(await standsThere(customer)).toBe(true);
    expect(await show(customer.id)).toMatchObject({ name: 'After', email: 'later@example.com', version: 3 });
    console.log(`SIGSTOP in the middle of a call: next attempt after ${seconds(after)}`);
  },
  STORY_MS,
);
