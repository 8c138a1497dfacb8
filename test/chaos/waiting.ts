import { setTimeout as sleep } from 'node:timers/promises';

const CHECK_EVERY_MS = 100;

/** @throws when the condition does not hold within `deadline_ms`, naming what was waited for */
export async function within(
  what: string,
  deadline_ms: number,
  holds: () => Promise<boolean>,
  every_ms: number = CHECK_EVERY_MS,
): Promise<number> {
  const began = Date.now();
  while (!(await holds())) {
    if (Date.now() - began > deadline_ms) throw new Error(`Waited ${deadline_ms / 1000} s in vain: ${what}`);
    await sleep(every_ms);
  }
  return Date.now() - began;
}
