import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { Client } from 'pg';

import { anyFreePort } from './ports';
import { startPostgres, type RunningPostgres } from './postgres';
import { isAlive, signal } from './processes';

let folder: string;
let running: RunningPostgres | null = null;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'counterpart-postgres-'));
  chmodSync(folder, 0o711);
});
afterAll(async () => {
  await running?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<RunningPostgres> {
  const logFile = path.join(folder, 'postgres.log');
  running = await startPostgres({ dataDir: folder, port: await anyFreePort(), logFile });
  return running;
}

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

test('what was committed survives a SIGKILL of everything; a Postgres left running is ended by the next start', async () => {
  const first = await start();
  expect(
    await ask(
      first.url,
      "SELECT current_setting('server_encoding') || datcollate FROM pg_database WHERE datname = 'counterpart'",
    ),
  ).toBe('UTF8C');
  expect(await ask(first.url, 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')).toBe(false);
  await ask(first.url, "CREATE TABLE kept AS SELECT 'committed' AS word");
  signal(first.pid, 'SIGKILL', 'group');
  await first.exited;

  const second = await start();
  expect(await ask(second.url, 'SELECT word FROM kept')).toBe('committed');

  const third = await start();
  expect(isAlive(second.pid)).toBe(false);
  expect(await ask(third.url, 'SELECT word FROM kept')).toBe('committed');
  await third.stop();
  expect(isAlive(third.pid)).toBe(false);
}, 60_000);
