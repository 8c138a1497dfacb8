/** A process of its own: the sources with one planted mistake, and seeds until one of them fails. Says what it found in one line. */
import { makePlan } from '../../world/plan';
import { storyPlans } from '../../world/stories';
import type { Plan } from '../../world/plan';
import { drive } from '../drive';
import { verdictOf } from '../verdict';

export interface Found {
  /** Plans that were run. */
  readonly runs: number;
  /** Null: not found. */
  readonly seen: { readonly invariant: string; readonly detail: string; readonly plan: string } | null;
}

/** The named stories first, then seeds: each mistake has its story. */
function* plans(seeds: number): Generator<Plan> {
  yield* storyPlans();
  for (let seed = 1; seed <= seeds; seed += 1) yield makePlan(seed);
}

async function hunt(seeds: number): Promise<Found> {
  let runs = 0;
  for (const plan of plans(seeds)) {
    runs += 1;
    try {
      const { violations } = await verdictOf(drive, plan);
      const [worst] = violations;
      if (worst !== undefined) return { runs, seen: { ...worst, plan: plan.name ?? `seed ${plan.seed}` } };
    } catch (error) {
      // the product threw where nobody hears it
      const detail = error instanceof Error ? error.message : String(error);
      return { runs, seen: { invariant: 'crash', detail, plan: plan.name ?? `seed ${plan.seed}` } };
    }
  }
  return { runs, seen: null };
}

// errors are thrown by the thousand on purpose, and each would walk its stack
Error.stackTraceLimit = 1;

hunt(Number(process.argv[2])).then(
  (found) => process.stdout.write(`${JSON.stringify(found)}\n`),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 2;
  },
);
