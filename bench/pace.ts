/** How work is handed out: at a steady rate, or as fast as it goes; and how its end is waited for. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Open loop: begins `work(i)` every `everyMs`, whether or not earlier ones have ended, so that a slow answer is not
 * followed by fewer questions. Resolves when all have ended.
 */
export async function paced(
  count: number,
  everyMs: number,
  work: (i: number) => Promise<void>,
): Promise<void> {
  const began = performance.now();
  const running: Promise<void>[] = [];
  for (let i = 0; i < count; i += 1) {
    const wait_ms = began + i * everyMs - performance.now();
    if (wait_ms > 0) await sleep(wait_ms);
    running.push(work(i));
  }
  await Promise.all(running);
}

/** Closed loop: `workers` at a time until all items are done. */
export async function crowd<T>(
  items: readonly T[],
  workers: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const one = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: workers }, one));
}

/** @throws naming what did not come about within `deadlineMs` */
export async function until(
  what: string,
  deadlineMs: number,
  everyMs: number,
  condition: () => Promise<boolean> | boolean,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${deadlineMs / 1000} s`);
    await sleep(everyMs);
  }
}
