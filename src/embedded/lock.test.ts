import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { lockHolder, takeLock, waitForLock } from './lock';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'counterpart-lock-'));
  file = path.join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the second to ask is told who holds it, and gets it once it is released', async () => {
  const first = takeLock(file);
  const second = takeLock(file);
  expect(second).toMatchObject({ kind: 'held', holder: { pid: process.pid } });
  expect(lockHolder(file)).toMatchObject({ pid: process.pid });
  const waiting = waitForLock(file, 5_000, () => {
    if (first.kind === 'taken') first.release();
  });
  (await waiting).release();
  expect(lockHolder(file)).toBeNull();
  expect(readdirSync(folder)).toEqual([]);
});

test('a lock whose pid now names another process holds nothing', () => {
  writeFileSync(file, JSON.stringify({ pid: process.pid, started: 'another boot/1', since: 'long ago' }));
  expect(lockHolder(file)).toBeNull();
  expect(takeLock(file).kind).toBe('taken');
});

test('a lock file cut short by a power failure holds nothing', () => {
  writeFileSync(file, '{"pid": 1');
  expect(takeLock(file).kind).toBe('taken');
});

test('somebody waiting for a lock that is not released learns who holds it', async () => {
  takeLock(file);
  await expect(waitForLock(file, 0, () => {})).rejects.toThrow(`Process ${process.pid} has held`);
});
