import { parseRecordId, trusted } from '../../../src/core/ids';
import { emptyDatabase } from '../../environment/database';
import type { FreshDatabase } from '../../environment/database';
import { postgresContender } from './contenders';
import { compare, historyOf } from './differential';
import { describeStore } from './describeStore';
import { CATALOG, NAMES } from './operations';
import { VirtualPostgres } from './postgresDatabase';
import { Stage } from './stage';
import { prepareVirtual } from './virtualPostgres';

/** 0.15 s each on two cores. */
const SEEDS = 40;
const REPEATED = 5;
/** Left to real time, one in two came in the other order. */
const RACES = 20;

let fresh: FreshDatabase;
let postgres: VirtualPostgres | undefined;

beforeAll(async () => {
  fresh = await emptyDatabase();
  await prepareVirtual(fresh.url);
  postgres = await VirtualPostgres.open(fresh.url);
});

afterAll(async () => {
  await postgres?.close();
  await fresh.drop();
});

describeStore('Postgres', () => postgresContender(postgres!, 1));

test('interleaved sessions see the same in memory and in a real Postgres, statement by statement', async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) expect(await compare(postgres!, seed)).toBeNull();
}, 60_000);

test('a real Postgres repeats the history of a seed, with every id, number and time it draws', async () => {
  for (let seed = 1; seed <= REPEATED; seed += 1) {
    const first = await historyOf(postgres!, seed);
    expect(await historyOf(postgres!, seed)).toBe(first);
  }
}, 60_000);

test('I12: whom one end lets go on at once have the row in the order in which they began to wait', async () => {
  const recordId = trusted(parseRecordId('00000000-0000-7000-8000-0000000000aa'), 'record id');
  const [connection] = NAMES as [(typeof NAMES)[number]];
  const stage = new Stage(await postgresContender(postgres!, 1));
  const [holder, first, second] = [stage.session(), stage.session(), stage.session()];
  await holder.does((s) => s.connections.register(connection, 'memory'));
  await holder.does((s) => s.queue.enqueue(CATALOG, [recordId], 'local'));
  for (let race = 1; race <= RACES; race += 1) {
    holder.begin();
    await holder.does((s) => s.queue.enqueue(CATALOG, [recordId], 'local'));
    const event = { connection, type: 'x', catalog: CATALOG, remoteId: null, recordId, createdAt: 1 };
    const told = { ...event, id: `event ${race}`, source: 'webhook', result: 'queued' } as const;
    first.begin();
    const ends = await first.waits((s) => s.queue.acknowledge(CATALOG, recordId, 0));
    const stores = await second.waits((s) => s.events.storeEvent(told, 'webhook'));
    await holder.commit();
    expect(await ends.answer()).toEqual({ kind: 'newer' });
    await expect(stores.answer()).rejects.toThrow('It still waits');
    await first.commit();
    expect(await stores.answer()).toBe(true);
  }
}, 60_000);
