/**
 * `npm run sim:sql -- --seeds 500 --seed 7`: the same simulation over a real Postgres, one connection for each transaction of an
 * actor, each statement a step. It brings its own Postgres, whose clock and chance are the simulation's. Some of the seeds are run
 * twice and must come to the same. Exit 1: a seed is wrong. Exit 2: the arguments make no sense.
 */
import { randomInt } from 'node:crypto';
import { isDrawn, planOf } from '../world/draw';
import type { Drawn } from '../world/draw';
import { readArguments, SEED_MAX } from './arguments';
import type { Wanted } from './arguments';
import { withPostgres } from './ownPostgres';
import { addHash, addTally, emptySums, linesOf, linesOfFailing } from './report';
import { storyOf, verdictOf, verdictOfTwo } from './verdict';
import type { Drive } from './verdict';

const EXIT_WRONG = 1;
const EXIT_USAGE = 2;
const COMMAND = 'npm run sim:sql --';
/** Of so many seeds one is run twice. */
const TWICE_EVERY = 10;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function run(driveSql: Drive, of: Drawn, { seeds, seed: first, minutes }: Wanted): Promise<number> {
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1_000;
  const sums = emptySums();
  for (let seed = first; minutes === null ? seed < first + seeds : seconds() < minutes * 60; seed += 1) {
    const plan = planOf(of, seed);
    const twice = seed % TWICE_EVERY === 0;
    const { outcome, violations } = await (twice ? verdictOfTwo : verdictOf)(driveSql, plan);
    sums.runs += 1;
    addTally(sums.tally, outcome.tally);
    sums.hash = addHash(sums.hash, seed, outcome.hash);
    const [worst] = violations;
    if (worst === undefined) continue;
    const story = await storyOf(driveSql, plan, worst.invariant);
    sums.failing.push({ name: null, seed, diesAt: null, violations, story });
    break;
  }
  say(`seeds from ${first} on over a real Postgres, one in ${TWICE_EVERY} run twice with the same trace`);
  for (const line of linesOf(sums, 'seeds', seconds())) say(line);
  for (const failing of sums.failing) for (const line of linesOfFailing(failing, COMMAND)) say(line);
  return sums.failing.length === 0 ? 0 : EXIT_WRONG;
}

async function showTrace(driveSql: Drive, of: Drawn, { seed }: Wanted): Promise<number> {
  const { violations } = await verdictOf((plan) => driveSql(plan, { heard: say }), planOf(of, seed));
  for (const { invariant, detail } of violations) say(`${invariant}: ${detail}`);
  return violations.length === 0 ? 0 : EXIT_WRONG;
}

const wanted = readArguments(process.argv.slice(2), () => randomInt(SEED_MAX));
if (typeof wanted === 'string') {
  process.stderr.write(`${wanted.replaceAll('npm run sim --', COMMAND)}\n`);
  process.exitCode = EXIT_USAGE;
} else if (!isDrawn(wanted.of)) {
  process.stderr.write(
    `--${wanted.of} is for npm run sim: here only seeds are run, with --doubts or without.\n`,
  );
  process.exitCode = EXIT_USAGE;
} else {
  const { of, trace } = wanted;
  withPostgres((driveSql) => (trace ? showTrace(driveSql, of, wanted) : run(driveSql, of, wanted))).then(
    (code) => (process.exitCode = code),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exitCode = EXIT_WRONG;
    },
  );
}
