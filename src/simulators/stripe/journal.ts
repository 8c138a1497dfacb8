/**
 * What survives a restart: an append-only file of JSON lines under SIMULATOR_DATA, rewritten from the state at
 * start and whenever it has grown far beyond it. Writing never blocks a request; answers wait for the line.
 */

import { appendFile, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Customer } from './customers';
import type { PendingDelivery } from './deliveries';
import type { Endpoint } from './endpoints';
import type { StripeEvent } from './events';
import type { StoredKey } from './idempotency';

export type JournalLine =
  | { kind: 'customer'; customer: Customer }
  | { kind: 'customer_removed'; id: string }
  | { kind: 'event'; event: StripeEvent }
  | { kind: 'key'; stored: StoredKey }
  | { kind: 'keys_forgotten' }
  | { kind: 'endpoint'; endpoint: Endpoint }
  | { kind: 'endpoint_removed'; id: string }
  | { kind: 'delivery'; delivery: PendingDelivery }
  | { kind: 'delivery_ended'; id: string };

export type Journal = {
  append: (line: JournalLine) => void;
  /** Resolves when everything appended so far is handed to the operating system. Rejects when it cannot be. */
  settled: () => Promise<void>;
  /** Rewrites the file with `lines`, the whole state as of now. */
  rewrite: (lines: Iterable<JournalLine>) => Promise<void>;
  /** Appended since the last rewrite. */
  appendedLines: () => number;
};

const FILE = 'stripe-simulator.jsonl';

/** Used when no folder is given. */
export const noJournal: Journal = {
  append: () => undefined,
  settled: () => Promise.resolve(),
  rewrite: () => Promise.resolve(),
  appendedLines: () => 0,
};

/** @throws Error naming the file and line when the journal cannot be read; a torn last line is dropped */
export async function readJournal(folder: string): Promise<JournalLine[]> {
  const path = join(folder, FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw new Error(`The simulator's state ${path} cannot be read (SIMULATOR_DATA).`, { cause });
  }
  const rows = text.split('\n');
  const lines: JournalLine[] = [];
  for (const [index, row] of rows.entries()) {
    if (row === '') continue;
    try {
      const line: JournalLine = JSON.parse(row);
      lines.push(line);
    } catch (cause) {
      // Only the very last row can be torn, by a kill in the middle of a write.
      if (index === rows.length - 1) break;
      throw new Error(`Line ${index + 1} of ${path} is not JSON. Remove the file to start empty.`, { cause });
    }
  }
  return lines;
}

/** Not `instanceof Error`: under jest, the file system's errors come from another realm. */
function isMissing(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ENOENT';
}

export async function openJournal(folder: string): Promise<Journal> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, FILE);
  let waiting: string[] = [];
  let appended = 0;
  let tail: Promise<void> = Promise.resolve();
  let scheduled = false;

  const flush = async (): Promise<void> => {
    scheduled = false;
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    try {
      await appendFile(path, batch.join(''));
    } catch (cause) {
      waiting = [...batch, ...waiting];
      throw new Error(`The simulator cannot write its state to ${path} (SIMULATOR_DATA).`, { cause });
    }
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    // A failed write fails the requests that wait for it; the next one tries again.
    tail = tail.catch(() => undefined).then(flush);
    // The one who awaits settled() gets the failure; without a waiter it must not end the process.
    tail.catch(() => undefined);
  };
  return {
    append: (line) => {
      waiting.push(`${JSON.stringify(line)}\n`);
      appended += 1;
      schedule();
    },
    settled: () => tail,
    rewrite: (lines) => {
      const text = [...lines].map((line) => `${JSON.stringify(line)}\n`);
      // Lines not yet written are part of the state just taken.
      waiting = [];
      appended = 0;
      tail = tail.catch(() => undefined).then(() => replaceFile(path, text));
      tail.catch(() => undefined);
      return tail;
    },
    appendedLines: () => appended,
  };
}

const LINES_PER_WRITE = 5_000;

async function replaceFile(path: string, lines: string[]): Promise<void> {
  const next = `${path}.next`;
  const file = await open(next, 'w');
  try {
    for (let i = 0; i < lines.length; i += LINES_PER_WRITE) {
      await file.write(lines.slice(i, i + LINES_PER_WRITE).join(''));
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(next, path);
}
