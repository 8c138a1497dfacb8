/**
 * `npm run sim:planted -- [--seeds 20000] [--only <part of a name>]`: plants one mistake after the other into the sources, in a
 * process of its own each, and runs named stories and seeds until one fails. Prints for each mistake how many runs it took and which
 * invariant saw it. Exit 1: one was not found within the bound. Exit 2: the arguments make no sense.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Defect } from './defect';
import type { Found } from './hunt';
import { PLANTED } from './table';

const EXIT_MISSED = 1;
const EXIT_USAGE = 2;
const SEEDS_DEFAULT = 20_000;
const ROOT = path.resolve(__dirname, '..', '..', '..', '..', '..');
const HERE = path.join(ROOT, 'test', 'simulation', 'engine', 'planted');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** @throws when the child did not say what it found */
function huntFor({ file, find, replace }: Defect, seeds: number): Promise<Found> {
  return new Promise((found, broken) => {
    const args = ['--require', path.join(HERE, 'register.cjs'), path.join(HERE, 'hunt.ts'), String(seeds)];
    const env = { ...process.env, COUNTERPART_PLANTED: JSON.stringify({ file, find, replace }) };
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('error', broken);
    child.on('exit', (code) => {
      if (code === 0) found(JSON.parse(said) as Found);
      else broken(new Error(`The hunt ended with ${code}`));
    });
  });
}

function lineOf({ name }: Defect, { runs, seen }: Found, seconds: number): string {
  const told = seen === null ? 'NOT FOUND' : `${seen.invariant.padEnd(5)} ${seen.plan}`;
  return `${name.padEnd(62)} ${String(runs).padStart(6)} runs ${seconds.toFixed(0).padStart(4)} s  ${told}`;
}

async function huntAll(defects: readonly Defect[], seeds: number): Promise<number> {
  const left = [...defects];
  let missed = 0;
  const serve = async (): Promise<void> => {
    for (let defect = left.shift(); defect !== undefined; defect = left.shift()) {
      const began = performance.now();
      const found = await huntFor(defect, seeds);
      if (found.seen === null) missed += 1;
      say(lineOf(defect, found, (performance.now() - began) / 1_000));
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, serve));
  say(`${defects.length} mistakes planted, ${defects.length - missed} found`);
  return missed === 0 ? 0 : EXIT_MISSED;
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
  const defects = PLANTED.filter(({ name, tier }) => tier === 'memory' && name.includes(only));
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
