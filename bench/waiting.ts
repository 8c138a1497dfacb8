/**
 * `npm run bench:waiting`: what 2,000 records cost that wait for a system which does not answer, as CPU time of each
 * process beside the same system with nothing to do. Linux only.
 *   --records <n>   default 2,000
 *   --seconds <n>   of each measurement, default 60
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { canMeasureProcesses, cpuBetween, watchProcesses } from './footprint';
import { until } from './pace';
import { runSession, say } from './session';
import type { Rig } from './rig';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '60' },
  },
});
const RECORDS = Number(values.records);
const WINDOW_MS = Number(values.seconds) * 1_000;
const POLL_MS = 500;
const DEADLINE_MS = 300_000;
const SETTLE_MS = 5_000;
const WANTED_CORE_SHARE = 0.05;

/** Milliseconds of CPU by process over one window. */
async function window(rig: Rig): Promise<Record<string, number>> {
  const footprint = watchProcesses(() => rig.parts);
  await sleep(SETTLE_MS);
  const before = footprint.cpu();
  await sleep(WINDOW_MS);
  return cpuBetween(before, footprint.cpu());
}

function percent(ms: number): string {
  return `${((ms / WINDOW_MS) * 100).toFixed(2)} %`.padStart(9);
}

function line(name: string, idle: number, waiting: number): string {
  return `${name.padEnd(20)}${percent(idle)}${percent(waiting)}${percent(waiting - idle)}\n`;
}

/** @returns what waiting costs more than idling, all our processes together, as a share of a core */
function print(idle: Record<string, number>, waiting: Record<string, number>): number {
  const names = Object.keys(idle).filter((name) => name !== 'others');
  const sum = (of: Record<string, number>) => names.reduce((total, name) => total + (of[name] ?? 0), 0);
  process.stdout.write(`of one core              idle  waiting     more\n`);
  for (const name of names) process.stdout.write(line(name, idle[name] ?? 0, waiting[name] ?? 0));
  process.stdout.write(line('together', sum(idle), sum(waiting)));
  return (sum(waiting) - sum(idle)) / WINDOW_MS;
}

async function measure(rig: Rig): Promise<boolean> {
  if (!canMeasureProcesses()) throw new Error('CPU times of processes are read from /proc: Linux only');
  const simulator = [...rig.parts].find(([name]) => name.includes('simulator'))?.[1];
  if (simulator === undefined) throw new Error('The simulator is no part of this system');
  say(`… idle, ${WINDOW_MS / 1000} s`);
  const idle = await window(rig);
  process.kill(simulator, 'SIGSTOP');
  say(`… Stripe hangs; ${RECORDS} customers are made`);
  await rig.local.insert(RECORDS);
  const began = performance.now();
  const all = async () => (await rig.local.putAway()) === RECORDS;
  await until('all records wait', DEADLINE_MS, POLL_MS, all);
  say(`… all wait after ${((performance.now() - began) / 1000).toFixed(0)} s; ${WINDOW_MS / 1000} s`);
  const waiting = await window(rig);
  const more = print(idle, waiting);
  process.kill(simulator, 'SIGCONT');
  const resumed = performance.now();
  await until('all are done', DEADLINE_MS, POLL_MS, async () => (await rig.local.queueDepth()) === 0);
  const seconds = (performance.now() - resumed) / 1000;
  process.stdout.write(`${RECORDS} records done ${seconds.toFixed(0)} s after Stripe answered again\n`);
  return more < WANTED_CORE_SHARE;
}

runSession('bench:waiting', { totalMaxMs: 15 * 60_000 }, measure);
