/**
 * Failure 36: every connection of a process to Postgres is in use, by statements that wait for something. The pools here are
 * small and patient for a second; those of the programs hold 20 and wait for 5 s (src/store/database.ts).
 */
import type express from 'express';
import { createDesk } from '../../activities/desk-for-tests';
import type { Desk } from '../../activities/desk-for-tests';
import { startProxy } from '../../test/chaos/proxy';
import { freshDatabase } from '../../test/environment/database';
import type { FreshDatabase } from '../../test/environment/database';
import { until } from '../../test/environment/until';
import { chanceOf } from '../../test/simulation/world/chance';
import { createApi, refuse } from '../api';
import { callTo, fakeDeps, listen, untilWaiting } from '../api/api-for-tests';
import type { TestApi } from '../api/api-for-tests';
import type { RecordId } from '../core/ids';
import { createRegisteredSecrets } from '../inbound/registeredSecrets';
import { createWebhookHandler } from '../inbound/webhook';
import { createRelay } from '../queue/relay';
import { listenForWork } from '../queue/wakeup';
import { openDatabase } from '../store/database';
import type { Database } from '../store/database';
import { fingerprintWith, readInstallation } from '../store/installation';
import { expectReplayed } from '../store/replay-for-tests';
import { CUSTOMER, STRIPE } from '../store/store-for-tests';
import { readinessOf } from './readiness';

const CONNECTIONS = 2;
const PATIENCE_MS = 1_000;
/** Beyond the patience, on a busy machine. */
const SLACK_MS = 3_000;
const GATE = 36;
const LOG = { info: () => undefined, warn: () => undefined, error: () => undefined };
const EXHAUSTED = 'all connections of this process are in use';
const REASON = 'All connections of this process to Postgres are in use.';

let fresh: FreshDatabase;
/** Somebody else's connections: they watch, and hold what the process waits for. */
let others: Database;
let open: Array<() => Promise<unknown>> = [];

beforeEach(async () => {
  fresh = await freshDatabase();
  others = database({ max: 4 });
});
afterEach(async () => {
  for (const close of open.toReversed()) await close();
  open = [];
  await fresh.drop();
});

function database(options: Partial<Parameters<typeof openDatabase>[1]> = {}, url = fresh.url): Database {
  const max = CONNECTIONS;
  const defaults = { max, name: 'test', connectTimeoutMs: PATIENCE_MS, onIdleError: () => undefined };
  const opened = openDatabase(url, { ...defaults, ...options });
  open.push(() => opened.close());
  return opened;
}

/** Whoever inserts into the table waits, until somebody opens the gate. */
async function gateBefore(table: string): Promise<{ open(): Promise<void> }> {
  await others.query(`create function counterpart.gate() returns trigger language plpgsql as $$
    begin perform pg_advisory_xact_lock_shared(${GATE}); return new; end $$`);
  await others.query(
    `create trigger a_gate before insert on counterpart.${table} for each row execute function counterpart.gate()`,
  );
  const holder = await others.pool.connect();
  await holder.query(`select pg_advisory_lock(${GATE})`);
  const letGo = async (): Promise<void> => {
    await holder.query('select pg_advisory_unlock_all()');
  };
  open.push(async () => {
    await letGo();
    holder.release();
  });
  return { open: letGo };
}

/** The API as the program wires it, over this desk; a delivery is the newest event that the desk's system lists. */
async function apiOver({ database: own, store, connectors }: Desk): Promise<TestApi['call']> {
  const connector = connectors.get(STRIPE);
  const listed = await connector?.listEvents?.({ before: null, limit: 1 });
  if (connector === undefined || listed?.kind !== 'answered') throw new Error('Its events are not listed');
  const event = listed.value.events[0];
  const told = { ...connector, receive: () => ({ kind: 'event', event: event! }) as const };
  const installation = await readInstallation(own);
  const webhook: express.RequestHandler = createWebhookHandler(
    {
      store,
      connectors: new Map([[STRIPE, told]]),
      secrets: createRegisteredSecrets((name) => store.endpoints.secretsOf(name)),
      installation: installation.id,
      fingerprint: fingerprintWith(installation.secret),
      policies: new Map(),
      now: Date.now,
      log: LOG,
      heard: () => undefined,
    },
    refuse,
  );
  const readiness = () => readinessOf({ store, log: fakeDeps(own).log });
  const { url, close } = await listen(createApi({ ...fakeDeps(own), readiness, webhook }));
  open.push(close);
  return callTo(url);
}

const eventsStored = async (): Promise<number> =>
  (await others.query<{ n: number }>('select count(*) as n from counterpart.events')).rows[0]!.n;

test('I3, I11: every connection is in use: the API says 503 with the reason, a webhook is not acknowledged; with connections free all goes on', async () => {
  const desk = await createDesk(database());
  desk.system.plant({ name: 'Born there', email: 'born@example.com' });
  const call = await apiOver(desk);
  const gate = await gateBefore('customers');
  const hanging = ['One', 'Two'].map((name) => call('POST', '/customers', { name }));
  await untilWaiting(others, CONNECTIONS);
  const create = () =>
    call('POST', '/customers', { name: 'Three' }, { headers: { 'idempotency-key': 'the-same' } });

  const began = Date.now();
  const [created, listed, ready, delivered, live] = await Promise.all([
    create(),
    call('GET', '/customers'),
    call('GET', '/health/ready'),
    call('POST', '/webhooks/stripe', {}),
    call('GET', '/health/live'),
  ]);
  expect(Date.now() - began).toBeLessThan(PATIENCE_MS + SLACK_MS);
  for (const refused of [created, listed]) {
    expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(refused.body.detail).toContain(REASON);
    expect(refused.headers.get('retry-after')).toBe('2');
  }
  expect(ready).toMatchObject({ status: 503, body: { parts: { postgres: EXHAUSTED } } });
  expect([delivered.status, delivered.headers.get('retry-after')]).toEqual([503, '5']);
  expect(await eventsStored()).toBe(0);
  expect(live.status).toBe(200);

  await gate.open();
  expect((await Promise.all(hanging)).map(({ status }) => status)).toEqual([201, 201]);
  expect((await create()).status).toBe(201);
  expect((await call('POST', '/webhooks/stripe', {})).status).toBe(200);
  expect(await eventsStored()).toBe(1);
  expect((await call('GET', '/health/ready')).status).toBe(200);
  const { body } = await call('GET', '/customers');
  expect(body.data.map(({ name }: { name: string }) => name).toSorted()).toEqual(['One', 'Three', 'Two']);
  await desk.rest();
  expect(desk.system.living()).toHaveLength(4);
  await expectReplayed(others);
});

test('I14: every connection is in use: the worker says that it is not ready, an attempt is worth another; with connections free the relay rings', async () => {
  const desk = await createDesk(database());
  const { store } = desk;
  const gate = await gateBefore('links');
  const [one, two, three] = (await Promise.all(
    ['One', 'Two', 'Three'].map((name) => desk.insert({ name })),
  )) as [RecordId, RecordId, RecordId];
  const hanging = [one, two].map((id) => desk.look(id));
  await untilWaiting(others, CONNECTIONS);

  const warned: string[] = [];
  const log = { ...LOG, warn: (_: object, message: string) => void warned.push(message) };
  const wakeup = listenForWork(fresh.url, LOG);
  const rung: RecordId[] = [];
  const relay = createRelay({
    queue: store.queue,
    doorbell: { ring: async ({ recordId }) => void rung.push(recordId) },
    wake: wakeup.wait,
    log,
  });
  const relaying = relay.run();
  expect(await readinessOf({ store, log: fakeDeps(desk.database).log }, async () => true)).toMatchObject({
    ready: false,
    parts: { postgres: EXHAUSTED, temporal: 'ok' },
  });
  await expect(desk.activities.openLook({ catalog: CUSTOMER, recordId: three })).rejects.toMatchObject({
    type: 'OwnTrouble',
    message: 'PoolExhausted; the log of the worker has the rest',
    nonRetryable: false,
  });
  await until('the relay has noticed', async () => warned.length > 0);
  expect([rung, new Set(warned)]).toEqual([[], new Set(['the relay could not read the work queue'])]);

  await gate.open();
  await Promise.all(hanging);
  await until('the record that waited was rung', async () => rung.includes(three));
  relay.stop();
  await wakeup.close();
  await relaying;
  await desk.rest();
  for (const id of [one, two, three]) expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync' });
  expect(desk.system.living()).toHaveLength(3);
  await expectReplayed(others);
});

describe('a request that Postgres does not serve in time is a 503 with the reason', () => {
  const refusedOver = async (own: Database) => {
    const { url, close } = await listen(createApi(fakeDeps(own)));
    open.push(close);
    const refused = await callTo(url)('POST', '/customers', { name: 'Ann' });
    return [refused.status, refused.body.code, refused.body.detail.split('.')[0]];
  };

  test('a lock that another transaction holds', async () => {
    await gateBefore('customers');
    expect(await refusedOver(database({ lockTimeoutMs: 50 }))).toEqual([
      503,
      'unavailable',
      'Another transaction holds what this needs',
    ]);
  });

  test('a statement that takes too long', async () => {
    await gateBefore('customers');
    expect(await refusedOver(database({ statementTimeoutMs: 50 }))).toEqual([
      503,
      'unavailable',
      'Postgres took too long over it',
    ]);
  });

  test('a connection whose other side vanished without a word', async () => {
    const behind = new URL(fresh.url);
    const proxy = await startProxy([Number(behind.port)], chanceOf(1));
    open.push(() => proxy.close());
    behind.port = String(proxy.port);
    const own = database({ max: 1, statementTimeoutMs: 50, connectTimeoutMs: 5_000 }, behind.href);
    await own.query('select 1');
    proxy.begin({ kind: 'half-open' });
    expect(await refusedOver(own)).toEqual([503, 'unavailable', 'Postgres took too long over it']);
  });
});
