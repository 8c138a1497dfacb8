/**
 * `npm run sim -- --seeds 20000 --seed 7`: the whole engine in a world of its own, whose order of things a seed decides. Each seed
 * is run twice and must come to the same, turn by turn; then the oracle looks at what stands everywhere. Prints what was done
 * and one hash over all runs. `--doubts` draws worlds in which creations stay in doubt, `--stories` runs the named stories, `--boundaries` each of them with a death at every boundary.
 * Exit 1: a run is wrong, and its story is told. Exit 2: the arguments make no sense.
 */
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { isDrawn, planOf } from '../world/draw';
import type { Drawn } from '../world/draw';
import { storyPlans } from '../world/stories';
import { readArguments, SEED_MAX } from './arguments';
import type { Wanted } from './arguments';
import { runAll } from './crew';
import type { Kind } from './crew';
import { drive } from './drive';
import { linesOf, linesOfFailing } from './report';
import { storyOf, verdictOf } from './verdict';

const EXIT_WRONG = 1;
const EXIT_USAGE = 2;
const THREADS_MIN = 2;
const THREADS_MAX = 8;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What shows a failing seed of this kind again, but for its number. */
function commandOf(of: Kind): string {
  return of === 'doubts' ? 'npm run sim -- --doubts' : 'npm run sim --';
}

/** Every turn of one seed. */
async function showTrace(seed: number, of: Drawn): Promise<number> {
  const plan = planOf(of, seed);
  const { hash } = await drive(plan, { heard: say });
  say(`hash      ${hash}`);
  const { violations } = await verdictOf(drive, plan);
  const [worst] = violations;
  if (worst === undefined) return 0;
  const story = await storyOf(drive, plan, worst.invariant);
  const failing = { name: null, seed, diesAt: null, violations, story };
  for (const line of linesOfFailing(failing, commandOf(of))) say(line);
  return EXIT_WRONG;
}

async function run({ seeds, seed, minutes, of }: Wanted): Promise<number> {
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1_000;
  const over = (): boolean => minutes !== null && seconds() > minutes * 60;
  const threads = Math.min(THREADS_MAX, Math.max(THREADS_MIN, availableParallelism()));
  const [first, count] = isDrawn(of) ? [seed, minutes === null ? seeds : SEED_MAX] : [0, storyPlans().length];
  const sums = await runAll({ of, first, count, threads, over });
  if (isDrawn(of)) say(`seeds from ${seed} on, each run twice with the same trace, over ${threads} threads`);
  for (const line of linesOf(sums, isDrawn(of) ? 'seeds' : of === 'boundaries' ? 'runs' : of, seconds()))
    say(line);
  for (const failing of sums.failing) for (const line of linesOfFailing(failing, commandOf(of))) say(line);
  return sums.failing.length === 0 ? 0 : EXIT_WRONG;
}

const wanted = readArguments(process.argv.slice(2), () => randomInt(SEED_MAX));
if (typeof wanted === 'string') {
  process.stderr.write(`${wanted}\n`);
  process.exitCode = EXIT_USAGE;
} else {
  const done = wanted.trace && isDrawn(wanted.of) ? showTrace(wanted.seed, wanted.of) : run(wanted);
  done.then(
    (code) => (process.exitCode = code),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exitCode = EXIT_WRONG;
    },
  );
}
