import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { z } from 'zod';

import { parseJson } from './json';
import { takeLock, type Lock } from './lock';
import { endProcess, identify, isSameProcess, type EndStep } from './processes';

/** Its presence says that the folder is ours: `npm run reset` deletes nothing without it (see src/bin/reset.mjs). */
const MARKER = 'counterpart-data';
const LOCK = 'lock';
const PROCESSES = 'processes.json';
const WEBHOOK_SECRET = 'simulator-webhook-secret';
const WEBHOOK_SECRET_BYTES = 24;

const END_STEPS: readonly EndStep[] = [
  { signal: 'SIGTERM', waitMs: 5_000 },
  { signal: 'SIGINT', waitMs: 5_000 },
];
/** Users before what they use. */
const END_ORDER = ['api', 'worker', 'migrate', 'simulator', 'temporal', 'postgres'];

const processList = z.array(
  z.object({ name: z.string(), pid: z.number().int(), started: z.string().nullable() }),
);
type Recorded = z.infer<typeof processList>[number];

/** Makes DATA_DIR, or takes it over when it is ours or empty. Throws when it holds something else. */
export function openDataFolder(dataDir: string, forOthersToEnter: boolean): void {
  mkdirSync(dataDir, { recursive: true, mode: forOthersToEnter ? 0o711 : 0o700 });
  const marker = path.join(dataDir, MARKER);
  if (existsSync(marker)) return;
  if (readdirSync(dataDir).length > 0) {
    throw new Error(
      `DATA_DIR=${dataDir} holds files that are not Counterpart's: set DATA_DIR to an empty or a new folder.`,
    );
  }
  writeFileSync(marker, 'This folder belongs to Counterpart; `npm run reset` empties it.\n');
}

/** Throws when another start works on this folder. */
export function lockDataFolder(dataDir: string): Extract<Lock, { kind: 'taken' }> {
  const lock = takeLock(path.join(dataDir, LOCK));
  if (lock.kind === 'taken') return lock;
  throw new Error(
    `Counterpart already runs on ${dataDir} (process ${lock.holder.pid}, since ${lock.holder.since}). ` +
      'Stop it first, or set DATA_DIR to another folder for a second one.',
  );
}

/** Remembers which processes belong to this start, so that the next one can end what a SIGKILL left behind. */
export class ProcessRecord {
  private readonly file: string;
  private readonly processes = new Map<string, Recorded>();

  constructor(dataDir: string) {
    this.file = path.join(dataDir, PROCESSES);
  }

  add(name: string, pid: number): void {
    this.processes.set(name, { name, ...identify(pid) });
    this.write([...this.processes.values()]);
  }

  /** Ends processes of an earlier start that was killed. To be called under the lock, before anything is started. */
  async endLeftovers(say: (line: string) => void): Promise<void> {
    if (!existsSync(this.file)) return;
    const parsed = processList.safeParse(parseJson(readFileSync(this.file, 'utf8')));
    const left = (parsed.success ? parsed.data : [])
      .filter((recorded) => isSameProcess(recorded))
      .toSorted((a, b) => END_ORDER.indexOf(a.name) - END_ORDER.indexOf(b.name));
    for (const { name, pid } of left) {
      say(`ending ${name} of an earlier start that was killed (process ${pid})`);
      // Postgres reads SIGTERM as "wait for all clients", so it gets its own fast shutdown first.
      await endProcess(pid, name, name === 'postgres' ? END_STEPS.toReversed() : END_STEPS);
    }
    this.write([]);
  }

  /** After a clean stop. */
  clear(): void {
    this.processes.clear();
    this.write([]);
  }

  private write(processes: readonly Recorded[]): void {
    const draft = `${this.file}.new`;
    writeFileSync(draft, `${JSON.stringify(processes, null, 2)}\n`);
    renameSync(draft, this.file);
  }
}

/** The secret with which the simulator signs its webhooks: made once, kept, so that a restart changes nothing. */
export function simulatorWebhookSecret(dataDir: string): string {
  const file = path.join(dataDir, WEBHOOK_SECRET);
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const secret = `whsec_${randomBytes(WEBHOOK_SECRET_BYTES).toString('base64url')}`;
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return secret;
}
