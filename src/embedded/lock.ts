import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import { parseJson } from './json';
import { errorCode, identify, isAlive, isSameProcess } from './processes';

const WAIT_POLL_MS = 200;

const contentShape = z.object({
  pid: z.number().int().positive(),
  started: z.string().nullable(),
  since: z.string(),
});
export type LockHolder = z.infer<typeof contentShape>;

export type Lock =
  { readonly kind: 'taken'; release(): void } | { readonly kind: 'held'; readonly holder: LockHolder };

function read(file: string): { text: string; holder: LockHolder | null } | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
  const parsed = contentShape.safeParse(parseJson(text));
  return { text, holder: parsed.success ? parsed.data : null };
}

function isLive(holder: LockHolder): boolean {
  return holder.started === null ? isAlive(holder.pid) : isSameProcess(holder);
}

/**
 * Who holds the lock now; null when nobody does. A file whose process is gone, or whose pid now names another process
 * (after a reboot), holds nothing.
 */
export function lockHolder(file: string): LockHolder | null {
  const holder = read(file)?.holder ?? null;
  return holder !== null && isLive(holder) ? holder : null;
}

/** Puts a stale file aside. False when it was not the one we read: somebody else took the lock in between. */
function clearStale(file: string, staleText: string): boolean {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true;
    throw error;
  }
  const mistaken = readFileSync(aside, 'utf8') !== staleText;
  if (mistaken) linkSync(aside, file);
  rmSync(aside, { force: true });
  return !mistaken;
}

/** Takes the lock or names its holder. Atomic: the file appears complete, by a hard link, or not at all. */
export function takeLock(file: string): Lock {
  const mine = JSON.stringify({
    ...identify(process.pid),
    since: new Date().toISOString(),
  } satisfies LockHolder);
  const draft = `${file}.${process.pid}`;
  const attempts = 10;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    writeFileSync(draft, mine);
    try {
      linkSync(draft, file);
      return {
        kind: 'taken',
        release: () => {
          if (read(file)?.text === mine) rmSync(file, { force: true });
        },
      };
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      const found = read(file);
      if (found?.holder && isLive(found.holder)) return { kind: 'held', holder: found.holder };
      if (found !== null) clearStale(file, found.text);
    } finally {
      rmSync(draft, { force: true });
    }
  }
  throw new Error(
    `The lock ${file} changes hands too quickly to be taken: several starts at once? Try again.`,
  );
}

/** Waits for the lock; `onWait` is told once, when there is somebody to wait for. */
export async function waitForLock(
  file: string,
  withinMs: number,
  onWait: (holder: LockHolder) => void,
  signal?: AbortSignal,
): Promise<{ release(): void }> {
  const deadline = Date.now() + withinMs;
  let told = false;
  for (;;) {
    const lock = takeLock(file);
    if (lock.kind === 'taken') return lock;
    if (!told) onWait(lock.holder);
    told = true;
    if (Date.now() > deadline) {
      throw new Error(
        `Process ${lock.holder.pid} has held ${file} since ${lock.holder.since}: end it, or wait for it to finish.`,
      );
    }
    await sleep(WAIT_POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}
