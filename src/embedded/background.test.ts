import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';

import { runInBackground } from './background';

const NICENESS = 10;

/** Of the session a process is in; null where Linux does not share the processor out between sessions. */
function sessionNiceness(pid: number): number | null {
  const file = `/proc/${pid}/autogroup`;
  return existsSync(file) ? Number(readFileSync(file, 'utf8').trim().split(' ').at(-1)) : null;
}

test('a process in the background lets others go first, and its session does', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    detached: true,
    stdio: 'ignore',
  });
  const pid = child.pid ?? Number.NaN;
  try {
    runInBackground(pid);
    expect(os.getPriority(pid)).toBe(NICENESS);
    expect(sessionNiceness(pid) ?? NICENESS).toBe(NICENESS);
    expect(os.getPriority()).toBeLessThan(NICENESS);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

test('a process that is gone is nothing to complain about', async () => {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  expect(() => runInBackground(child.pid ?? Number.NaN)).not.toThrow();
});
