import { emptyDatabase } from '../../environment/database';
import type { FreshDatabase } from '../../environment/database';
import { postgresContender } from './contenders';
import { compare, historyOf } from './differential';
import { describeStore } from './describeStore';
import { VirtualPostgres } from './postgresDatabase';
import { prepareVirtual } from './virtualPostgres';

/** 0.15 s each on two cores. */
const SEEDS = 40;
const REPEATED = 5;

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
