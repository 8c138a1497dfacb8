/** Catching up by the event list: bounded in memory, exact about where it stopped, and honest about what may be lost. */
import { randomUUID } from 'node:crypto';
import { createMemoryConnector, createMemorySystem, failureOf } from '../connectors/memory';
import type { Connector } from '../connectors/connector';
import { parseInstallationId, trusted } from '../core/ids';
import { fingerprintWith } from '../store/installation';
import { benches, STRIPE } from '../store/store-for-tests';
import { pollOnce, runPoller, startPolling } from './poll';
import type { PollPorts } from './poll';

const bench = benches();
const installation = '0123456789abcdef';
const HOUR_MS = 3_600_000;
const DAYS = 24 * HOUR_MS;

let now_ms: number;
let system: ReturnType<typeof createMemorySystem>;
let connector: Connector;
let ports: PollPorts;

beforeEach(async () => {
  for (const table of ['event_cursors', 'events', 'links', 'sweeps', 'work_queue']) {
    await bench().database.query(`delete from counterpart.${table}`);
  }
  now_ms = Date.now();
  system = createMemorySystem({ name: STRIPE, clock: () => now_ms, nextId: randomUUID });
  connector = createMemoryConnector({
    connection: STRIPE,
    installation: trusted(parseInstallationId(installation), 'installation'),
    system,
  });
  await bench().store.connections.register(STRIPE, 'memory');
  await bench().store.connections.keepIdentity(STRIPE, system.identity);
  const silent = () => undefined;
  ports = {
    store: bench().store,
    installation,
    fingerprint: fingerprintWith(Buffer.alloc(32, 7)),
    policies: new Map(),
    poller: 'one',
    now: () => now_ms,
    sleep: async () => undefined,
    log: { info: silent, warn: silent, error: silent },
    heard: silent,
  };
  system.plant({ name: 'before' });
  await startPolling(ports, connector);
  await pollOnce(ports, connector);
  now_ms += HOUR_MS;
});

const reserved = () => bench().value<number>('select count(*) from counterpart.links');
const openSweep = () => bench().store.sweeps.findOpen(STRIPE);
/** The list was last read so long ago. */
const away = (ms: number) =>
  bench().database.query(`update counterpart.event_cursors set polled_at = now() - $1 * interval '1 ms'`, [
    ms,
  ]);

function plant(count: number): void {
  for (let i = 0; i < count; i += 1) system.plant({ name: `missed ${i}` });
}

test('failure 16: a thousand events and more after hours of downtime: each is heard once, page by page, and no sweep is needed', async () => {
  plant(1_234);
  await away(5 * HOUR_MS);
  expect(await pollOnce(ports, connector)).toEqual({ kind: 'read', fresh: 1_234 });
  expect(await reserved()).toBe(1_235);
  expect(await bench().store.queue.countBulk(1)).toBe(0);
  expect(await openSweep()).toBeNull();
  expect(await pollOnce(ports, connector)).toEqual({ kind: 'read', fresh: 0 });
}, 30_000);

test('killed in the middle: the next reading begins at the newest again and skips what is known', async () => {
  plant(350);
  system.fail('listEvents', { failure: failureOf('unavailable'), when: 'before' });
  expect(await pollOnce(ports, connector)).toMatchObject({ kind: 'failed' });
  let calls = 0;
  const dying = {
    ...connector,
    listEvents: (page: Parameters<NonNullable<Connector['listEvents']>>[0]) => {
      calls += 1;
      if (calls === 3) system.fail('listEvents', { failure: failureOf('unavailable'), when: 'before' });
      return connector.listEvents!(page);
    },
  };
  expect(await pollOnce(ports, dying)).toMatchObject({ kind: 'failed' });
  expect(await reserved()).toBe(201);
  plant(1);
  expect(await pollOnce(ports, connector)).toEqual({ kind: 'read', fresh: 151 });
  expect(await reserved()).toBe(352);
});

test('another poller took over during a long reading: the first one leaves the rest to it', async () => {
  plant(250);
  system.during('listEvents', async () => {
    await bench().database.query(
      `update counterpart.event_cursors set poller = 'two', lease_until = now() + interval '1 h'`,
    );
  });
  expect(await pollOnce(ports, connector)).toEqual({ kind: 'held' });
});

test('not read for more than 25 days: a sweep is asked for, and events are read from now on', async () => {
  plant(5);
  now_ms += HOUR_MS;
  await away(26 * DAYS);
  plant(1);
  expect(await pollOnce(ports, connector)).toEqual({ kind: 'read', fresh: 0 });
  expect(await openSweep()).toMatchObject({ cause: 'gap' });
  plant(2);
  expect(await pollOnce(ports, connector)).toEqual({ kind: 'read', fresh: 3 });
  expect((await bench().store.sweeps.listSweeps(5)).map(({ cause }) => cause)).toEqual(['gap']);
});

test('a sweep that was under way before the gap read too early: a new one begins', async () => {
  await bench().store.sweeps.request(STRIPE, 'schedule');
  await away(26 * DAYS);
  await pollOnce(ports, connector);
  expect((await bench().store.sweeps.listSweeps(5)).map(({ cause, ending }) => [cause, ending])).toEqual([
    ['gap', null],
    ['schedule', 'replaced'],
  ]);
});

test('nothing happened there for a month, and the list was read all the time: that is no gap', async () => {
  now_ms += 40 * DAYS;
  await away(2_000);
  expect(await pollOnce(ports, connector)).toEqual({ kind: 'read', fresh: 0 });
  expect(await openSweep()).toBeNull();
});

test('failure 48: our clock is an hour ahead of a system where nothing has happened yet: its first event is heard all the same', async () => {
  await bench().database.query('delete from counterpart.event_cursors');
  const empty = createMemorySystem({ name: STRIPE, clock: () => now_ms - HOUR_MS, nextId: randomUUID });
  const quiet = createMemoryConnector({
    connection: STRIPE,
    installation: trusted(parseInstallationId(installation), 'installation'),
    system: empty,
  });
  await startPolling(ports, quiet);
  empty.plant({ name: 'first' });
  expect(await pollOnce(ports, quiet)).toEqual({ kind: 'read', fresh: 1 });
});

test.each([['rejected', 400] as const, ['gone', 404] as const])(
  'a list that is refused (%s) is said to be missing, once, and asked for seldom; read after all, it is missing no longer',
  async (kind, status) => {
    const failure = failureOf(kind, { code: 'parameter_invalid', status });
    for (let i = 0; i < 2; i += 1) system.fail('listEvents', { failure, when: 'before', stored: false });
    const said: string[] = [];
    const slept: number[] = [];
    const degraded: Array<readonly string[]> = [];
    const seen: PollPorts = {
      ...ports,
      log: { ...ports.log, warn: (_, message) => void said.push(message) },
      async sleep(ms) {
        slept.push(ms);
        degraded.push((await bench().store.connections.find(STRIPE))!.degraded);
      },
    };
    await runPoller(
      seen,
      connector,
      () => 2_000,
      () => slept.length === 3,
    );
    expect(slept).toEqual([600_000, 600_000, 2_000]);
    expect(degraded).toEqual([['events'], ['events'], []]);
    expect(said).toEqual([expect.stringContaining('degraded: this server gives no list of events')]);
  },
);
