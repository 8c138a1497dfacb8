import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 25;

/** A pid alone is reused by the system; with its start it names one process for ever. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; null where the system would not tell. */
  readonly started: string | null;
}

/** Not `instanceof Error`: under jest, Node's own errors come from another realm. */
export function errorCode(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

export function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : String(error);
}

function readProc(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return null; // gone, or a system without /proc: the caller asks in another way or takes it for gone
  }
}

function output(command: string, args: string[]): string | null {
  const run = spawnSync(command, args, { encoding: 'utf8', timeout: 5_000, windowsHide: true });
  const text = run.status === 0 ? run.stdout.trim() : '';
  return text === '' ? null : text;
}

/** When the process began, as a text that differs between two holders of one pid; null when it is not there. */
export function startOf(pid: number): string | null {
  if (process.platform === 'linux') {
    // Field 22 of stat, counted after the command name, which may itself hold spaces and brackets (man 5 proc).
    const stat = readProc(pid, 'stat');
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields === undefined || fields[0] === 'Z') return null;
    return `${bootId()}/${fields[19] ?? ''}`;
  }
  if (process.platform === 'win32') {
    return output('powershell', ['-NoProfile', '-Command', `(Get-Process -Id ${pid}).StartTime.Ticks`]);
  }
  return output('ps', ['-o', 'lstart=', '-p', String(pid)]);
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'boot'; // a container may hide it; then the start in clock ticks has to do
  }
}

/** The command line, arguments joined by spaces; null when the process is not there or hides it. */
export function commandLineOf(pid: number): string | null {
  if (process.platform === 'linux') return readProc(pid, 'cmdline')?.replaceAll('\0', ' ').trim() ?? null;
  if (process.platform === 'win32') {
    return output('powershell', [
      '-NoProfile',
      '-Command',
      `(Get-CimInstance Win32_Process -Filter "ProcessId=${pid}").CommandLine`,
    ]);
  }
  return output('ps', ['-o', 'command=', '-p', String(pid)]);
}

export function identify(pid: number): ProcessIdentity {
  return { pid, started: startOf(pid) };
}

export function isAlive(pid: number): boolean {
  if (process.platform === 'linux') return startOf(pid) !== null;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM'; // alive, but somebody else's
  }
}

/** True only for the very process that was recorded, not for a later holder of its pid. */
export function isSameProcess(recorded: ProcessIdentity): boolean {
  return recorded.started !== null && startOf(recorded.pid) === recorded.started;
}

/** Sends a signal to a process, or to its whole group; false when there was nobody to get it. */
export function signal(
  pid: number,
  name: NodeJS.Signals | 0,
  whom: 'process' | 'group' = 'process',
): boolean {
  try {
    process.kill(whom === 'group' && process.platform !== 'win32' ? -pid : pid, name);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    if (errorCode(error) === 'EPERM') return false; // not ours to end; whoever waits for it will say so
    throw error;
  }
}

/** Waits until the process is gone; false when `withinMs` passed first. */
export async function waitForEnd(pid: number, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

export interface EndStep {
  /** 0 sends nothing and only waits. */
  readonly signal: NodeJS.Signals | 0;
  readonly waitMs: number;
}

/** Asks ever more firmly, then kills the whole group. Rejects when even that did not end it. */
export async function endProcess(pid: number, name: string, steps: readonly EndStep[]): Promise<void> {
  for (const step of steps) {
    if (!signal(pid, step.signal) && !isAlive(pid)) return;
    if (await waitForEnd(pid, step.waitMs)) return;
  }
  signal(pid, 'SIGKILL', 'group');
  signal(pid, 'SIGKILL');
  if (!(await waitForEnd(pid, 5_000))) {
    throw new Error(
      `${name} (process ${pid}) does not end, not even by SIGKILL: is it another user's, or stuck on a disk?`,
    );
  }
}
