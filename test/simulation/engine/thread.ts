/** One thread of the crew. */
import { parentPort } from 'node:worker_threads';
import { isDrawn, planOf } from '../world/draw';
import type { Drawn } from '../world/draw';
import type { Plan } from '../world/plan';
import { storyPlans } from '../world/stories';
import type { Answer, Chunk } from './crew';
import { drive } from './drive';
import { addHash, addTally, emptySums } from './report';
import type { Sums } from './report';
import { storyOf, verdictOf, verdictOfTwo } from './verdict';
import type { Verdict } from './verdict';

function add(sums: Sums, place: number, { outcome }: Verdict): void {
  sums.runs += 1;
  addTally(sums.tally, outcome.tally);
  sums.hash = addHash(sums.hash, place, outcome.hash);
}

/** @returns whether all is well */
async function held(
  sums: Sums,
  place: number,
  plan: Plan,
  verdict: Verdict,
  diesAt?: number,
): Promise<boolean> {
  add(sums, place, verdict);
  const { violations } = verdict;
  const [worst] = violations;
  if (worst === undefined) return true;
  const story = await storyOf(drive, plan, worst.invariant, diesAt);
  sums.failing.push({ name: plan.name, seed: plan.seed, diesAt: diesAt ?? null, violations, story });
  return false;
}

async function runSeeds(of: Drawn, { first, count }: Chunk, sums: Sums): Promise<void> {
  for (let seed = first; seed < first + count; seed += 1) {
    const plan = planOf(of, seed);
    if (!(await held(sums, seed, plan, await verdictOfTwo(drive, plan)))) return;
  }
}

/** A named story, and the same with a death at each boundary. */
async function runStory({ of, first }: Chunk, sums: Sums): Promise<void> {
  const plan = storyPlans()[first];
  if (plan === undefined) throw new Error(`There is no story ${first}`);
  const calm = await verdictOfTwo(drive, plan);
  if (!(await held(sums, first, plan, calm)) || of === 'stories') return;
  for (let diesAt = 1; diesAt <= calm.outcome.tally.boundaries; diesAt += 1) {
    const verdict = await verdictOf(drive, plan, { diesAt });
    if (!(await held(sums, first, plan, verdict, diesAt))) return;
  }
}

async function runChunk(chunk: Chunk): Promise<Sums> {
  const sums = emptySums();
  try {
    const { of } = chunk;
    await (isDrawn(of) ? runSeeds(of, chunk, sums) : runStory(chunk, sums));
  } catch (error) {
    const at = `${chunk.of} ${chunk.first} and on, number ${sums.runs + 1}`;
    throw new Error(`The simulation itself broke (${at})`, { cause: error });
  }
  return sums;
}

// errors are thrown by the thousand on purpose, and each would walk its stack
Error.stackTraceLimit = 1;

const port = parentPort;
if (port === null) throw new Error('This file is a thread of the crew');
port.on('message', (chunk: Chunk | null) => {
  if (chunk === null) {
    port.close();
    return;
  }
  // a thread's messages have no origin
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  const say = (answer: Answer): void => port.postMessage(answer);
  runChunk(chunk).then(
    (sums) => say({ kind: 'sums', sums }),
    (error: unknown) => {
      const { stack, cause } = error as Error;
      const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      say({ kind: 'broke', why: `${stack ?? String(error)}\n${why}` });
    },
  );
});
