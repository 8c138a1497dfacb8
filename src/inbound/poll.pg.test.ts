/** Catching up by the event list: bounded in memory, exact about where it stopped, and honest about what may be lost. */
import { randomUUID } from 'node:crypto';
import { createMemoryConnector, createMemorySystem, failureOf } from '../connectors/memory';
import type { Connector } from '../connectors/connector';
import { keyPrefix } from '../connectors/connector';
import { parseInstallationId, trusted } from '../core/ids';
import type { RemoteId } from '../core/ids';
import { fingerprintWith } from '../store/installation';
import { benches, CUSTOMER, STRIPE } from '../store/store-for-tests';
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
  for (const table of ['event_cursors', 'events', 'links', 'owed_hints', 'sweeps', 'work_queue']) {
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
  // births by the hundred wait behind single edits
  expect(await bench().store.queue.countBulk(10_000)).toBeGreaterThan(1_000);
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

describe('an event that meets trouble keeps no other waiting', () => {
  type Told = Awaited<ReturnType<NonNullable<Connector['listEvents']>>>;
  type Event = Extract<Told, { kind: 'answered' }>['value']['events'][number];

  /** The connector, with some events of its list told otherwise. */
  const telling = (change: (event: Event) => Event): Connector => ({
    ...connector,
    listEvents: async (page) => {
      const told = await connector.listEvents!(page);
      if (told.kind === 'failed') return told;
      return { ...told, value: { ...told.value, events: told.value.events.map(change) } };
    },
  });
  const rows = async (text: string) => (await bench().database.query(text)).rows;
  const results = () =>
    rows(`select result, remote_id, record_id from counterpart.events where result = 'set_aside'`);
  const cursor = async () => (await bench().store.cursors.readCursor(STRIPE))!.createdAt;
  const owed = () => rows('select record_id, hint from counterpart.owed_hints');
  const recordOf = async (id: RemoteId) =>
    (await bench().store.links.findByRemote(STRIPE, CUSTOMER, id))!.recordId;

  test("I15: a record's row is held by an open transaction: its hint is owed, all others are queued in the same poll", async () => {
    const [held, free] = [system.plant({ name: 'held' }), system.plant({ name: 'free' })];
    await pollOnce(ports, connector);
    await rows('delete from counterpart.work_queue');
    const record = await recordOf(held);
    await bench().store.queue.enqueue(CUSTOMER, [record], 'local');
    const client = await bench().database.pool.connect();
    try {
      await client.query('begin');
      await client.query('update counterpart.work_queue set rings = rings');
      now_ms += HOUR_MS;
      for (let i = 0; i < 3; i += 1) system.edit(held, { name: `held ${i}` });
      system.edit(free, { name: 'freed' });
      const born = system.plant({ name: 'new' });
      expect(await pollOnce(ports, connector)).toEqual({ kind: 'read', fresh: 5 });
      expect(await rows(`select record_id from counterpart.work_queue where hint = 'poll'`)).toEqual(
        expect.arrayContaining([{ record_id: await recordOf(free) }, { record_id: await recordOf(born) }]),
      );
      expect(await owed()).toEqual([{ record_id: record, hint: 'poll' }]);
      expect(await cursor()).toBe(Math.floor(now_ms / 1000));
      await client.query('rollback');
    } finally {
      client.release();
    }
    await bench().store.queue.placeOwed();
    expect(await owed()).toEqual([]);
    expect(await bench().store.queue.readHint(CUSTOMER, record)).toMatchObject({ hint: 'poll' });
  });

  test('one that never can be taken in: the others come in at once, the cursor stays; it is set aside, its record is queued', async () => {
    const known = system.plant({ name: 'known' });
    await pollOnce(ports, connector);
    await rows('delete from counterpart.work_queue');
    now_ms += HOUR_MS;
    const before = await cursor();
    system.edit(known, { name: 'poison' });
    plant(2);
    const told: object[] = [];
    const said: string[] = [];
    const listening: PollPorts = {
      ...ports,
      heard: (_, result) => void said.push(result),
      log: { ...ports.log, error: (fields) => void told.push(fields) },
    };
    const poisoned = telling((event) =>
      event.subject?.remoteId === known && event.subject.change === 'updated'
        ? { ...event, causedByKey: `${keyPrefix(installation, STRIPE)}\0` }
        : event,
    );
    expect(await pollOnce(listening, poisoned)).toEqual({ kind: 'read', fresh: 2 });
    for (let poll = 2; poll <= 4; poll += 1)
      expect(await pollOnce(listening, poisoned)).toEqual({ kind: 'read', fresh: 0 });
    expect([await cursor(), await results(), told]).toEqual([before, [], []]);
    expect(await pollOnce(listening, poisoned)).toEqual({ kind: 'read', fresh: 1 });
    const record = await recordOf(known);
    expect(await results()).toEqual([{ result: 'set_aside', remote_id: known, record_id: record }]);
    expect(await bench().store.queue.readHint(CUSTOMER, record)).toMatchObject({ hint: 'poll' });
    expect(await cursor()).toBe(Math.floor(now_ms / 1000));
    expect(told).toMatchObject([{ code: '22021', attempt: 5, found_by: 'look' }]);
    expect(said.filter((result) => result === 'failed' || result === 'set_aside')).toEqual([
      'failed',
      'failed',
      'failed',
      'failed',
      'set_aside',
    ]);
    expect(await pollOnce(listening, poisoned)).toEqual({ kind: 'read', fresh: 0 });
    expect(await openSweep()).toBeNull();
  });

  test('one of which not even the object can be kept is set aside without it, and a sweep is asked for', async () => {
    plant(1);
    const poisoned = telling((event) =>
      event.createdAt === Math.floor(now_ms / 1000)
        ? { ...event, subject: { ...event.subject!, remoteId: 'cus_\0' as RemoteId } }
        : event,
    );
    for (let poll = 1; poll <= 5; poll += 1) await pollOnce(ports, poisoned);
    expect(await results()).toEqual([{ result: 'set_aside', remote_id: null, record_id: null }]);
    expect(await openSweep()).toMatchObject({ cause: 'gap' });
    expect(await cursor()).toBe(Math.floor(now_ms / 1000));
  });

  test('what is no event at all is set aside at once and told once, a sweep is asked for, and the others come in', async () => {
    plant(2);
    const names = ['evt_odd', 'unreadable_0123456789abcdef'];
    const mixed: Connector = {
      ...connector,
      async listEvents(page) {
        const answer = await connector.listEvents!(page);
        return answer.kind === 'failed'
          ? answer
          : { ...answer, value: { ...answer.value, unreadable: names } };
      },
    };
    const told: object[] = [];
    const listening = { ...ports, log: { ...ports.log, error: (fields: object) => void told.push(fields) } };
    expect(await pollOnce(listening, mixed)).toEqual({ kind: 'read', fresh: 4 });
    expect(await pollOnce(listening, mixed)).toEqual({ kind: 'read', fresh: 0 });
    expect(told).toEqual(names.map((event) => ({ connection: STRIPE, event })));
    expect(await results()).toHaveLength(2);
    expect(await cursor()).toBe(Math.floor(now_ms / 1000));
    expect(await openSweep()).toMatchObject({ cause: 'gap' });
  });

  test('trouble that passes is no reason to set anything aside', async () => {
    plant(1);
    let calls = 0;
    const failing: PollPorts = {
      ...ports,
      store: {
        ...ports.store,
        transact: (work) =>
          (calls += 1) < 3 ? Promise.reject(new Error('lost')) : ports.store.transact(work),
      },
    };
    expect(await pollOnce(failing, connector)).toEqual({ kind: 'read', fresh: 0 });
    expect(await pollOnce(failing, connector)).toEqual({ kind: 'read', fresh: 0 });
    expect(await pollOnce(failing, connector)).toEqual({ kind: 'read', fresh: 1 });
    expect(await results()).toEqual([]);
  });

  test('Postgres is away: that is the fault of no event, and the poll ends', async () => {
    plant(1);
    const noAnswer = () => Promise.reject(new Error('away'));
    let asked = 0;
    const store = {
      ...ports.store,
      transact: noAnswer,
      events: {
        ...ports.store.events,
        knownEvents: (...args: Parameters<typeof ports.store.events.knownEvents>) =>
          (asked += 1) === 1 ? ports.store.events.knownEvents(...args) : noAnswer(),
      },
    };
    await expect(pollOnce({ ...ports, store }, connector)).rejects.toThrow('away');
  });
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

test('a connection that was paused is read soon after it goes on, however seldom it is polled', async () => {
  const { connections } = bench().store;
  await connections.pause(STRIPE, { code: 'paused', detail: null });
  system.plant({ name: 'meanwhile' });
  const slept: number[] = [];
  const seen: PollPorts = {
    ...ports,
    async sleep(ms) {
      slept.push(ms);
      if (slept.length === 2) await connections.resume(STRIPE);
    },
  };
  await runPoller(
    seen,
    connector,
    () => 300_000,
    () => slept.length === 3,
  );
  expect(slept).toEqual([2_000, 2_000, 300_000]);
  expect(await reserved()).toBe(2);
});
