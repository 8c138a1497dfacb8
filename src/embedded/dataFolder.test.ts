import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { lockDataFolder, openDataFolder, ProcessRecord, simulatorWebhookSecret } from './dataFolder';
import { isAlive } from './processes';

let parent: string;
let folder: string;

beforeEach(() => {
  parent = mkdtempSync(path.join(os.tmpdir(), 'counterpart-data-'));
  folder = path.join(parent, 'data');
});
afterEach(() => rmSync(parent, { recursive: true }));

function reset(dataDir: string) {
  const script = path.join(__dirname, '..', 'bin', 'reset.mjs');
  const run = spawnSync(process.execPath, [script], {
    encoding: 'utf8',
    env: { ...process.env, DATA_DIR: dataDir },
  });
  return { code: run.status, said: run.stdout + run.stderr };
}

test('a second start on the same folder is refused, naming the first', () => {
  openDataFolder(folder, false);
  const lock = lockDataFolder(folder);
  expect(() => lockDataFolder(folder)).toThrow(`already runs on ${folder} (process ${process.pid}`);
  lock.release();
  lockDataFolder(folder).release();
});

test('a folder with other things in it is neither taken over nor emptied', () => {
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'thesis.txt'), 'years of work');
  expect(() => openDataFolder(folder, false)).toThrow("not Counterpart's");
  expect(reset(folder)).toMatchObject({ code: 1, said: expect.stringContaining('nothing is deleted') });
  expect(existsSync(path.join(folder, 'thesis.txt'))).toBe(true);
});

test('reset empties our folder, but not while a start works on it', () => {
  openDataFolder(folder, false);
  simulatorWebhookSecret(folder);
  const lock = lockDataFolder(folder);
  expect(reset(folder)).toMatchObject({ code: 1, said: expect.stringContaining(`process ${process.pid}`) });
  lock.release();
  expect(reset(folder)).toEqual({ code: 0, said: `emptied ${folder}\n` });
  expect(readdirSync(folder)).toEqual(['counterpart-data']);
  openDataFolder(folder, false);
});

test('a reset that finds nothing says so', () => {
  expect(reset(folder)).toMatchObject({ code: 0, said: expect.stringContaining('is not there') });
  mkdirSync(folder);
  expect(reset(folder)).toEqual({ code: 0, said: `${folder} is empty: nothing to do\n` });
  openDataFolder(folder, false);
  expect(reset(folder)).toEqual({ code: 0, said: `${folder} is empty: nothing to do\n` });
});

test('processes that a killed start left behind are ended, and reset waits for that', async () => {
  openDataFolder(folder, false);
  const left = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    detached: true,
    stdio: 'ignore',
  });
  const ended = once(left, 'exit');
  new ProcessRecord(folder).add('worker', left.pid ?? 0);
  expect(reset(folder)).toMatchObject({ code: 1, said: expect.stringContaining('worker') });
  const said: string[] = [];
  await new ProcessRecord(folder).endLeftovers((line) => said.push(line));
  await ended;
  expect(said.join()).toContain(`ending worker of an earlier start that was killed (process ${left.pid})`);
  expect(reset(folder).code).toBe(0);
});

test('a recorded pid that now belongs to another process is left alone', async () => {
  openDataFolder(folder, false);
  const record = [{ name: 'api', pid: process.pid, started: 'another boot/1' }];
  writeFileSync(path.join(folder, 'processes.json'), JSON.stringify(record));
  await new ProcessRecord(folder).endLeftovers(() => {});
  expect(isAlive(process.pid)).toBe(true);
});

test('the simulator keeps its webhook secret', () => {
  openDataFolder(folder, false);
  const secret = simulatorWebhookSecret(folder);
  expect(secret).toMatch(/^whsec_\S{20,}$/);
  expect(simulatorWebhookSecret(folder)).toBe(secret);
});
