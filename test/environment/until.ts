import { setTimeout as sleep } from 'node:timers/promises';

const CHECK_EVERY_MS = 25;
const DEADLINE_MS = 20_000;

/**
 * Waits for a condition instead of for a time.
 * @throws when it does not hold within `deadlineMs`, naming what was waited for
 */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  deadlineMs: number = DEADLINE_MS,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Waited ${deadlineMs} ms in vain: ${what}`);
    await sleep(CHECK_EVERY_MS);
  }
}
