import { until } from '../../test/environment/until';
import { exclusively } from './exclusive';
import { benches } from './store-for-tests';

const bench = benches();

/** Holds the name until it is let go. */
function hold(name: string): { held: Promise<void>; letGo: () => void; ended: Promise<unknown> } {
  let letGo = (): void => undefined;
  let begun = (): void => undefined;
  const held = new Promise<void>((resolve) => (begun = resolve));
  const ended = exclusively(bench().database, name, () => {
    begun();
    return new Promise<void>((resolve) => (letGo = resolve));
  });
  return { held, letGo: () => letGo(), ended };
}

test('one at a time does the work of a name; the others are told at once, and other names are free', async () => {
  const first = hold('a');
  await first.held;
  let ran = 0;
  const work = async () => (ran += 1);
  expect(await exclusively(bench().database, 'a', work)).toBeNull();
  expect(await exclusively(bench().database, 'b', work)).toEqual({ result: 1 });
  first.letGo();
  await first.ended;
  expect(await exclusively(bench().database, 'a', work)).toEqual({ result: 2 });
});

test('work that throws lets the name go and says why', async () => {
  const failing = exclusively(bench().database, 'a', () => Promise.reject(new Error('no luck')));
  await expect(failing).rejects.toThrow('no luck');
  expect(await exclusively(bench().database, 'a', async () => 'free')).toEqual({ result: 'free' });
});

test('a process whose connection is gone holds nothing, and its pool goes on', async () => {
  const first = hold('a');
  await first.held;
  await bench().database.query(
    `select pg_terminate_backend(pid) from pg_locks
     where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
  );
  await until('the name is free', async () => {
    return (await exclusively(bench().database, 'a', async () => true)) !== null;
  });
  first.letGo();
  await first.ended;
  expect(await bench().value('select 1')).toBe(1);
});
