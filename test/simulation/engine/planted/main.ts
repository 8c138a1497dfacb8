/**
 * `npm run sim:planted -- [--seeds 2000] [--only <part of a name>]`: plants one mistake after the other into the sources, in a
 * process of its own each, two at a time or as many as there are processors, and runs the stories that are likely to show it, all
 * other stories, and seeds, until one fails. Prints for each mistake how many runs it took and which invariant saw it. Mistakes in
 * the text of SQL are looked for over a real Postgres, in their stories alone.
 * The same stories are run with nothing planted as well. Exit 1: one was not found within the bound, or one where none is.
 * Exit 2: the arguments make no sense.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Defect } from './defect';
import type { Found, Hunt } from './hunt';
import { PLANTED } from './table';

const EXIT_MISSED = 1;
const EXIT_USAGE = 2;
const SEEDS_DEFAULT = 2_000;
/** A run leaves nothing behind: as in ../crew.ts. In MB, of which V8 uses up to three times as many. */
const SEMI_SPACE_MB = 128;
/** Of the sources as they are; `npm run sim` runs many more. */
const SEEDS_CONTROL = 100;
/** Of a story; over a real Postgres a run takes half a second. */
const SCHEDULES_CONTROL = { memory: 400, sql: 8 } as const;
/** What takes longest comes first. */
const TIERS = ['sql', 'memory'] as const;
const NOTHING = 'nothing is planted';
const ROOT = path.resolve(__dirname, '..', '..', '..', '..', '..');
const HERE = path.join(ROOT, 'test', 'simulation', 'engine', 'planted');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** @throws when the child did not say what it found */
function run(hunt: Hunt, planted: Partial<Defect>): Promise<Found> {
  return new Promise((found, broken) => {
    const loads = [`--max-semi-space-size=${SEMI_SPACE_MB}`, '--require', path.join(HERE, 'register.cjs')];
    const args = [...loads, path.join(HERE, 'hunt.ts'), JSON.stringify(hunt)];
    const env = { ...process.env, COUNTERPART_PLANTED: JSON.stringify(planted) };
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('error', broken);
    child.on('exit', (code) => {
      if (code === 0) found(JSON.parse(said) as Found);
      else broken(new Error(`The hunt for "${planted.name ?? NOTHING}" ended with ${code}`));
    });
  });
}

interface Task {
  readonly name: string;
  readonly tier: Defect['tier'];
  readonly planted: Partial<Defect>;
  readonly hunt: Hunt;
}

const firstOf = ({ shownBy = [], schedules = 1 }: Defect): Hunt['first'][number] => ({ shownBy, schedules });

/** The same plans with nothing planted must show nothing: else a mistake would be found that was not made. */
function controls(defects: readonly Defect[]): Task[] {
  return TIERS.flatMap((tier) => {
    const first = defects
      .filter((defect) => defect.tier === tier)
      .map(firstOf)
      .map((one) => ({ ...one, schedules: Math.min(one.schedules, SCHEDULES_CONTROL[tier]) }));
    const hunt = { tier, first, seeds: SEEDS_CONTROL };
    return first.length === 0 ? [] : [{ name: NOTHING, tier, planted: {}, hunt }];
  });
}

function lineOf({ name, tier }: Task, { runs, seen }: Found, seconds: number): string {
  const told =
    seen === null ? (name === NOTHING ? '-' : 'NOT FOUND') : `${seen.invariant.padEnd(5)} ${seen.plan}`;
  return `${tier.padEnd(6)} ${name.padEnd(64)} ${String(runs).padStart(6)} runs ${seconds.toFixed(0).padStart(4)} s  ${told}`;
}

async function huntAll(defects: readonly Defect[], seeds: number): Promise<number> {
  const planted = defects.map((defect): Task => {
    const { name, tier } = defect;
    return { name, tier, planted: defect, hunt: { tier, first: [firstOf(defect)], seeds } };
  });
  const left = [...controls(defects), ...planted].toSorted(
    (a, b) => TIERS.indexOf(a.tier) - TIERS.indexOf(b.tier),
  );
  const began = performance.now();
  let missed = 0;
  let invented = 0;
  const serve = async (): Promise<void> => {
    for (let task = left.shift(); task !== undefined; task = left.shift()) {
      const start = performance.now();
      const found = await run(task.hunt, task.planted);
      if (task.name === NOTHING) invented += found.seen === null ? 0 : 1;
      else missed += found.seen === null ? 1 : 0;
      say(lineOf(task, found, (performance.now() - start) / 1_000));
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, serve));
  const seconds = ((performance.now() - began) / 1_000).toFixed(0);
  say(`${defects.length} mistakes planted, ${defects.length - missed} found, in ${seconds} s`);
  return missed + invented === 0 ? 0 : EXIT_MISSED;
}

/** @returns which mistakes to plant and how many seeds each, or what is wrong with the arguments */
function wanted(args: readonly string[]): { defects: readonly Defect[]; seeds: number } | string {
  const known = 'Known: --seeds <count>, --only <part of a name>.';
  let values: { seeds?: string | undefined; only?: string | undefined };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: { seeds: { type: 'string' }, only: { type: 'string' } },
    }));
  } catch (error) {
    return `${error instanceof Error ? error.message.split('. ')[0]! : String(error)}. ${known}`;
  }
  const seeds = values.seeds === undefined ? SEEDS_DEFAULT : Number(values.seeds);
  if (!Number.isSafeInteger(seeds) || seeds < 0)
    return `--seeds ${values.seeds} is no number of seeds. ${known}`;
  const only = values.only ?? '';
  const defects = PLANTED.filter(({ name }) => name.includes(only));
  return defects.length === 0
    ? `No planted mistake is called like --only ${only}. ${known}`
    : { defects, seeds };
}

const chosen = wanted(process.argv.slice(2));
if (typeof chosen === 'string') {
  process.stderr.write(`${chosen}\n`);
  process.exitCode = EXIT_USAGE;
} else {
  huntAll(chosen.defects, chosen.seeds).then(
    (code) => (process.exitCode = code),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exitCode = EXIT_MISSED;
    },
  );
}
