/**
 * `npm run bench:scale`: what one change costs while 1,000 customers stand here, and while 1,000,000 do: CPU time of all
 * processes together and the time to the other side, each way, measured several times over at each size. Linux only.
 *   --few <n>      default 1,000, all of them on both sides
 *   --many <n>     default 1,000,000
 *   --changes <n>  in each measurement and direction, default 300
 *   --rounds <n>   measurements at each size, default 3
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Pool } from 'pg';
import { canMeasureProcesses, cpuBetween, watchProcesses } from './footprint';
import type { Known } from './localSide';
import { propagationIn, propagationOut } from './propagation';
import { runSession, say } from './session';
import { crowdOfRecords } from './standing';
import { firstCopy, untilQuiet } from './throughput';
import type { Rig } from './rig';

const { values } = parseArgs({
  options: {
    few: { type: 'string', default: '1000' },
    many: { type: 'string', default: '1000000' },
    changes: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '3' },
  },
});
const FEW = Number(values.few);
const MANY = Number(values.many);
const CHANGES = Number(values.changes);
const ROUNDS = Number(values.rounds);
/** What a bulk insert leaves to be written out is not a change's cost. */
const SETTLE_MS = 60_000;
const WANTED_RATIO = 1.1;

interface Cost {
  readonly cpuMs: number;
  readonly p50Ms: number;
}

interface Round {
  readonly out: Cost;
  readonly in: Cost;
}

async function costOf(rig: Rig, work: () => Promise<{ p50: number }>): Promise<Cost> {
  const footprint = watchProcesses(() => rig.parts);
  const before = footprint.cpu();
  const { p50 } = await work();
  await untilQuiet(rig);
  const used = cpuBetween(before, footprint.cpu());
  const ours = Object.entries(used).filter(([name]) => name !== 'others');
  return { cpuMs: ours.reduce((sum, [, ms]) => sum + ms, 0) / CHANGES, p50Ms: p50 };
}

async function rounds(rig: Rig, customers: readonly Known[], title: string): Promise<Round[]> {
  // the same ones both ways, so that each change finds a name that the one before it left
  const changing = customers.slice(0, CHANGES);
  const done: Round[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    say(`… ${title}, round ${i + 1} of ${ROUNDS}`);
    done.push({
      out: await costOf(rig, () => propagationOut(rig, changing)),
      in: await costOf(rig, () => propagationIn(rig, changing)),
    });
  }
  return done;
}

/** The round that other programs disturbed least. */
function least(all: readonly Round[], way: 'out' | 'in', figure: keyof Cost): number {
  return Math.min(...all.map((round) => round[way][figure]));
}

function report(few: readonly Round[], many: readonly Round[]): boolean {
  const ratios: number[] = [];
  process.stdout.write(
    `least of ${ROUNDS} rounds of ${CHANGES} changes   ${FEW} customers   ${MANY} customers   ratio\n`,
  );
  for (const way of ['out', 'in'] as const) {
    for (const [figure, title] of [
      ['cpuMs', 'CPU a change'],
      ['p50Ms', 'p50'],
    ] as const) {
      const [a, b] = [least(few, way, figure), least(many, way, figure)];
      ratios.push(b / a);
      const label = `${way === 'out' ? 'outward' : 'inward'}, ${title}`;
      process.stdout.write(
        `${label.padEnd(33)}${`${a.toFixed(1)} ms`.padStart(12)}${`${b.toFixed(1)} ms`.padStart(21)}${(b / a).toFixed(2).padStart(8)}\n`,
      );
    }
  }
  return Math.max(...ratios) <= WANTED_RATIO;
}

async function measure(rig: Rig): Promise<boolean> {
  if (!canMeasureProcesses()) throw new Error('CPU times of processes are read from /proc: Linux only');
  if (FEW < CHANGES) throw new Error(`--few is the number of customers that change: at least ${CHANGES}`);
  const pool = new Pool({ connectionString: rig.wiring.databaseUrl, max: 1 });
  try {
    say(`… ${FEW} customers on both sides`);
    await firstCopy(rig, FEW);
    const customers = await rig.local.known();
    const few = await rounds(rig, customers, `${FEW} customers`);
    say(`… ${MANY - FEW} more in Postgres`);
    await crowdOfRecords(pool, MANY - FEW);
    await sleep(SETTLE_MS);
    return report(few, await rounds(rig, customers, `${MANY} customers`));
  } finally {
    await pool.end();
  }
}

runSession('bench:scale', { totalMaxMs: 30 * 60_000 }, measure);
