import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { logSink, openLog, terminalLine } from './programLog';

test('warnings and errors are for the terminal, the rest for the file', () => {
  expect(terminalLine('{"level":30,"msg":"fine"}', 'stdout')).toBeNull();
  expect(terminalLine('{"level":"info","msg":"fine"}', 'stdout')).toBeNull();
  expect(terminalLine('{"level":40,"msg":"careful"}', 'stdout')).toBe('careful');
  expect(terminalLine('{"level":"error","msg":"broken","err":{"message":"why"}}', 'stdout')).toBe(
    'broken: why',
  );
  expect(
    terminalLine('{"level":"warn","sdk":true,"target":"temporalio_client::retry","msg":"retried"}', 'stdout'),
  ).toBeNull();
  expect(terminalLine('plain words', 'stdout')).toBeNull();
  expect(terminalLine('Error: a crash', 'stderr')).toBe('Error: a crash');
});

test('a part in trouble does not flood the terminal, and its file has every line', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'counterpart-log-'));
  try {
    const file = openLog(folder, 'api');
    const said: string[] = [];
    let now = 1_000_000;
    const log = logSink(
      file,
      'api',
      (line) => said.push(line),
      () => now,
    );
    for (let i = 0; i < 100; i += 1) log.write(`{"level":50,"msg":"again ${'x'.repeat(i)}"}\n`, 'stdout');
    expect(said).toHaveLength(12);
    now += 11_000;
    log.write('{"level":50,"msg":"la', 'stdout');
    log.write('ter"}\n', 'stdout');
    expect(said.slice(12)).toEqual([`api: … and 88 more lines, see ${file}`, `api: later; see ${file}`]);
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(102);
    openLog(folder, 'api');
    expect(readFileSync(file, 'utf8')).toBe('');
    expect(readFileSync(`${file}.1`, 'utf8')).toContain('later');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a line for the terminal names connection, cause and the log, once per cause', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'counterpart-log-'));
  try {
    const file = openLog(folder, 'worker');
    const said: string[] = [];
    let now = 1_000_000;
    const log = logSink(
      file,
      'worker',
      (line) => said.push(line),
      () => now,
    );
    const write = (line: object) => log.write(`${JSON.stringify({ level: 'warn', ...line })}\n`, 'stdout');
    const silent = { connection: 'stripe', failure: 'ENOTFOUND', msg: 'the system does not answer yet' };
    write(silent);
    write({ ...silent, attempt: 2 });
    write({ ...silent, failure: 'ECONNREFUSED' });
    write({
      level: 'error',
      connection: 'stripe',
      code: 'other_account',
      detail: 'set up with a, is b',
      msg: 'connection paused',
    });
    write({ msg: 'an activity failed on our own side', err: { type: 'TypeError', stack: 'at x' } });
    expect(said).toEqual([
      `worker: stripe: the system does not answer yet: ENOTFOUND; see ${file}`,
      `worker: stripe: the system does not answer yet: ECONNREFUSED; see ${file}`,
      `worker: stripe: connection paused: other_account: set up with a, is b; see ${file}`,
      `worker: an activity failed on our own side: TypeError; see ${file}`,
    ]);
    now += 600_000;
    write(silent);
    expect(said).toHaveLength(5);
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(6);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
