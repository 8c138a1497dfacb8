import { parseArgs } from 'node:util';

export interface Wanted {
  readonly runs: number;
  readonly seed: number;
}

const RUNS_DEFAULT = 100_000;
const SEED_MIN = -(2 ** 31);
const SEED_MAX = 2 ** 31 - 1;

function integer(text: string): number | null {
  const value = Number(text);
  return /^-?\d+$/.test(text) && Number.isSafeInteger(value) ? value : null;
}

/**
 * `--runs <count> --seed <seed>`; a seed is drawn where none is given.
 * @returns what is wanted, or a message that says what is wrong with the arguments
 */
export function readArguments(args: readonly string[], drawSeed: () => number): Wanted | string {
  let given: { runs?: string | undefined; seed?: string | undefined };
  try {
    const options = { runs: { type: 'string' }, seed: { type: 'string' } } as const;
    given = parseArgs({ args: joined(args), options }).values;
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}. Usage: npm run sim:core -- --runs 1000000 --seed 7`;
  }
  const runs = given.runs === undefined ? RUNS_DEFAULT : integer(given.runs);
  if (runs === null || runs < 1)
    return `--runs ${given.runs} is no number of runs: give a whole number of 1 or more`;
  const seed = given.seed === undefined ? drawSeed() : integer(given.seed);
  if (seed === null || seed < SEED_MIN || seed > SEED_MAX)
    return `--seed ${given.seed} is no seed: give a whole number from ${SEED_MIN} to ${SEED_MAX}, as a run prints it`;
  return { runs, seed };
}

/** `--seed -5` as `--seed=-5`: Node takes a value that begins with a dash for the next option. */
function joined(args: readonly string[]): string[] {
  const all: string[] = [];
  for (const arg of args) {
    if (/^-\d/.test(arg) && /^--\w+$/.test(all.at(-1) ?? '')) all.push(`${all.pop() ?? ''}=${arg}`);
    else all.push(arg);
  }
  return all;
}
