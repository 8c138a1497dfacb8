/**
 * What the processes of the system cost: CPU time and memory, each with all its descendants (Postgres is a dozen
 * processes). Read from /proc, so on Linux only; elsewhere these figures are missing and the report says so.
 */
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';

/** Linux reports CPU time to programs in hundredths of a second, whatever the kernel's own tick is (man 5 proc). */
const MS_PER_TICK = 10;
const BYTES_PER_KB = 1024;

/** Milliseconds of CPU by part; `machine` is all that ran on all cores, ours or not. */
export type CpuTimes = ReadonlyMap<string, number>;

export interface Footprint {
  cpu(): CpuTimes;
  /** Takes one sample of every part's memory; the peaks are kept. */
  sampleMemory(): void;
  /** Bytes by part. */
  peaks(): ReadonlyMap<string, number>;
}

export const MACHINE = 'machine';

export function canMeasureProcesses(): boolean {
  return process.platform === 'linux';
}

function read(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return null; // ended since it was listed
  }
}

interface Stat {
  readonly parent: number;
  readonly cpuMs: number;
}

function statOf(pid: number): Stat | null {
  const text = read(pid, 'stat');
  // The second field, the name, may hold spaces and brackets: count from behind it (man 5 proc).
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields === undefined) return null;
  // Fields 14 to 17: user and system time, its own and that of children it has waited for.
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at] ?? 0), 0);
  return { parent: Number(fields[1]), cpuMs: ticks * MS_PER_TICK };
}

function allProcesses(): Map<number, Stat> {
  const found = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null;
    if (stat !== null) found.set(Number(name), stat);
  }
  return found;
}

function withDescendants(root: number, processes: ReadonlyMap<number, Stat>): number[] {
  const family = [root];
  for (const member of family) {
    for (const [pid, { parent }] of processes) if (parent === member) family.push(pid);
  }
  return family;
}

/** Proportional: memory shared by several processes (Postgres' buffers) is counted once. */
function proportionalKb(pid: number): number {
  const found = /^Pss:\s+(\d+) kB$/m.exec(read(pid, 'smaps_rollup') ?? '');
  return Number(found?.[1] ?? 0);
}

/** The kernel's own record of a process's highest resident set. */
function highWaterKb(pid: number): number {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(read(pid, 'status') ?? '');
  return Number(found?.[1] ?? 0);
}

function machineMs(): number {
  return os
    .cpus()
    .map(({ times }) => times.user + times.nice + times.sys + times.irq)
    .reduce((sum, ms) => sum + ms, 0);
}

/** @param parts name -> process id, asked anew each time because parts are started one after the other */
export function watchProcesses(parts: () => ReadonlyMap<string, number>): Footprint {
  const peaks = new Map<string, number>();
  return {
    cpu() {
      if (!canMeasureProcesses()) return new Map();
      const processes = allProcesses();
      const times = new Map([[MACHINE, machineMs()]]);
      for (const [name, root] of parts()) {
        // The bench is the parent of the others and counts for itself only.
        const family = root === process.pid ? [root] : withDescendants(root, processes);
        times.set(
          name,
          family.reduce((sum, pid) => sum + (processes.get(pid)?.cpuMs ?? 0), 0),
        );
      }
      return times;
    },
    sampleMemory() {
      if (!canMeasureProcesses()) return;
      const processes = allProcesses();
      for (const [name, root] of parts()) {
        const family = root === process.pid ? [root] : withDescendants(root, processes);
        const kb =
          family.length === 1 ? highWaterKb(root) : family.reduce((sum, pid) => sum + proportionalKb(pid), 0);
        peaks.set(name, Math.max(peaks.get(name) ?? 0, kb * BYTES_PER_KB));
      }
    },
    peaks: () => peaks,
  };
}

/** What each part used between two readings, and what the machine spent on processes that are not ours. */
export function cpuBetween(before: CpuTimes, after: CpuTimes): Record<string, number> {
  const used: Record<string, number> = {};
  let ours = 0;
  for (const [name, ms] of after) {
    if (name === MACHINE) continue;
    used[name] = Math.max(0, ms - (before.get(name) ?? 0));
    ours += used[name];
  }
  if (after.has(MACHINE)) {
    const all = (after.get(MACHINE) ?? 0) - (before.get(MACHINE) ?? 0);
    used['others'] = Math.max(0, all - ours);
  }
  return used;
}
