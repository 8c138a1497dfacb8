/**
 * `npm start` itself, as the program the launcher hands over to: what it prints is what a newcomer goes by. Postgres and
 * Temporal are the run's own; the simulator is embedded.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { anyFreePort } from '../../src/embedded/ports';
import { freshDatabase } from '../environment/database';
import type { FreshDatabase } from '../environment/database';
import { freshNamespace } from '../environment/namespace';
import { until } from '../environment/until';

const READY_MS = 60_000;
const ROOT = path.join(__dirname, '..', '..');
/** Programs stay in the clone below, whose .env is the test's own, instead of being followed to this one. */
const STAY = ['--preserve-symlinks', '--preserve-symlinks-main'];

let clone: string;
let database: FreshDatabase;
let start: ChildProcess;
let printed = '';

beforeAll(async () => {
  clone = mkdtempSync(path.join(os.tmpdir(), 'counterpart-start-'));
  for (const name of ['dist', 'node_modules', 'package.json']) {
    symlinkSync(path.join(ROOT, name), path.join(clone, name));
  }
  database = await freshDatabase();
  const temporal = await freshNamespace();
  writeFileSync(
    path.join(clone, '.env'),
    [
      `PORT=${await anyFreePort()}`,
      'WORKER_PORT=0',
      'SIMULATOR_PORT=0',
      `DATA_DIR=${path.join(clone, 'data')}`,
      `DATABASE_URL=${database.url}`,
      `TEMPORAL_ADDRESS=${temporal.address}`,
      `TEMPORAL_NAMESPACE=${temporal.namespace}`,
    ].join('\n'),
  );
  start = spawn(process.execPath, [...STAY, path.join(clone, 'dist', 'src', 'bin', 'start.js')], {
    cwd: clone,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const keep = (chunk: Buffer): void => void (printed += chunk.toString('utf8'));
  start.stdout?.on('data', keep);
  start.stderr?.on('data', keep);
  await until(`the start is ready\n${printed}`, async () => /^ready after/m.test(printed), READY_MS);
}, READY_MS);

afterAll(async () => {
  if (start.exitCode === null) {
    const ended = once(start, 'exit');
    start.kill('SIGTERM');
    await ended;
  }
  await database.drop();
  rmSync(clone, { recursive: true });
});

function environment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
}

function counterpart(...args: string[]): { code: number | null; said: string } {
  const script = path.join(clone, 'dist', 'src', 'bin', 'counterpart.js');
  const run = spawnSync(process.execPath, [...STAY, script, ...args], {
    env: environment(),
    encoding: 'utf8',
  });
  return { code: run.status, said: run.stdout + run.stderr };
}

test('the printed request creates a customer, and the command line finds the API by the PORT in .env', async () => {
  const [, url = ''] = /^ {2}Command line +COUNTERPART_URL=(\S+)$/m.exec(printed) ?? [];
  const [, command = ''] = /^Try it:\n {2}(.*)$/m.exec(printed) ?? [];
  expect(command).toContain(url);
  const { stdout } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
  expect(stdout).toMatch(/\}\n$/);
  const { id } = JSON.parse(stdout) as { id: string };
  await until('it is in sync', async () => /^stripe +in_sync/m.test(counterpart('show', id).said));
  expect(counterpart('status')).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^Everything is in sync/m),
  });
});

test('the command of the package can be run as it was built, whatever npm linked before', () => {
  const { bin } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  const files = Object.values(bin);
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) accessSync(path.join(ROOT, file), constants.X_OK);
});

test('told to stop, it says so last, and by then the folder is free for the next start', async () => {
  const closed = once(start, 'close');
  start.kill('SIGINT');
  await closed;
  expect(start.exitCode).toBe(0);
  expect(printed.trimEnd().split('\n').slice(-2)).toEqual([
    'stopping, because of SIGINT (Ctrl-C again kills) …',
    'stopped',
  ]);
  expect(existsSync(path.join(clone, 'data', 'lock'))).toBe(false);
});
