/**
 * Which process gets the processor when all of them want it. An answer somebody waits for (API, Postgres, simulator)
 * comes before work that stands in the queue and may wait (worker, Temporal): without this, a look at one record delays
 * the acknowledgement of another one's webhook.
 * May touch: node:*.
 */
import { writeFileSync } from 'node:fs';
import os from 'node:os';

import { errorCode } from './processes';

/** Of -20 to 19. On Linux a process of niceness 10 gets a tenth of what one of 0 gets, where both want all (man 7 sched). */
const BACKGROUND = 10;
/** The kernel lets an unprivileged user change one session's niceness each 100 ms. */
const AGAIN_MS = 150;
const ATTEMPTS = 5;

/** The machine knows no such thing, does not let us, or the process is gone: it then runs as any other. */
const NOT_HERE = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'EROFS']);

/** os.setPriority wraps the system's code in one of its own. */
function systemCode(error: unknown): string {
  const info = typeof error === 'object' && error !== null && 'info' in error ? error.info : undefined;
  return errorCode(info) ?? errorCode(error) ?? '';
}

/**
 * Lets all others go first. To be called as soon as the process is there: its threads inherit what it has when they begin.
 * Where the system refuses, the order under load is the system's own, as for everybody else.
 */
export function runInBackground(pid: number): void {
  try {
    os.setPriority(pid, BACKGROUND);
  } catch (error) {
    if (!NOT_HERE.has(systemCode(error))) throw error;
  }
  if (process.platform === 'linux') setSessionNiceness(pid, ATTEMPTS);
}

/**
 * Linux shares the processor out between sessions first and only then within one, and each of our parts is a session of
 * its own (man 7 sched, "The autogroup feature"): there a process's own niceness says nothing.
 */
function setSessionNiceness(pid: number, attempts: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(BACKGROUND));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EAGAIN' && attempts > 1) {
      setTimeout(() => setSessionNiceness(pid, attempts - 1), AGAIN_MS).unref();
    } else if (code !== 'EAGAIN' && !NOT_HERE.has(code)) {
      throw error;
    }
  }
}
