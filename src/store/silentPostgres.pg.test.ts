import { listenForWork } from '../queue/wakeup';
import { startProxy } from '../../test/chaos/proxy';
import type { Proxy } from '../../test/chaos/proxy';
import { until } from '../../test/environment/until';
import { chanceOf } from '../../test/simulation/world/chance';
import { openDatabase } from './database';
import type { Database } from './database';
import { benches } from './store-for-tests';

const bench = benches();
let proxy: Proxy;
let url: string;

beforeEach(async () => {
  const behind = new URL(bench().url);
  proxy = await startProxy([Number(behind.port)], chanceOf(1));
  behind.port = String(proxy.port);
  url = behind.href;
});
afterEach(() => proxy.close());

function open(): Database {
  return openDatabase(url, { max: 1, name: 'test', statementTimeoutMs: 100, onIdleError: () => undefined });
}

const backend = async (sql: { query: (text: string) => Promise<{ rows: unknown[] }> }): Promise<unknown> =>
  (await sql.query('select pg_backend_pid() as pid')).rows[0];

describe('I14: a Postgres that vanished without a word (a fail-over, a machine lost)', () => {
  test('a transaction over such a connection ends, the next one has a new connection, and so does the one after', async () => {
    const database = open();
    const before = await database.transact(backend);
    proxy.begin({ kind: 'half-open' });
    await expect(database.transact(backend)).rejects.toThrow('Query read timeout');
    const after = await database.transact(backend);
    expect(after).not.toEqual(before);
    expect(await database.transact(backend)).toEqual(after);
    await database.close();
  });

  test('in the middle of a transaction too: what follows in it is not sent into the void for ever', async () => {
    const database = open();
    const work = database.transact(async (sql) => {
      await backend(sql);
      proxy.begin({ kind: 'half-open' });
      return backend(sql);
    });
    await expect(work).rejects.toThrow('Query read timeout');
    expect(await database.transact(backend)).toEqual({ pid: expect.any(Number) });
    await database.close();
  });

  test('a statement that Postgres itself refuses costs no connection', async () => {
    const database = open();
    const before = await database.transact(backend);
    await expect(database.transact((sql) => sql.query('select 1 / 0'))).rejects.toThrow('division by zero');
    expect(await database.transact(backend)).toEqual(before);
    await database.close();
  });

  test('a listener that hears nothing more finds it out, listens anew, and can be closed meanwhile', async () => {
    const warned: string[] = [];
    const log = { warn: (_: object, message: string) => void warned.push(message) };
    const listeners = () =>
      bench().value<number>(
        `select count(*)::int from pg_stat_activity where application_name = 'counterpart listen' and datname = current_database()`,
      );
    const wakeup = listenForWork(url, log, { everyMs: 50, maxMs: 200 });
    await until('it listens', async () => (await listeners()) === 1);
    proxy.begin({ kind: 'half-open' });
    await until('it has noticed', async () => warned.length > 0);
    let woken = false;
    await until('a write to the queue wakes it again', async () => {
      void wakeup.wait(60_000).then(() => (woken = true));
      await bench().insert();
      return woken;
    });
    proxy.begin({ kind: 'half-open' });
    await wakeup.close();
  });
});
