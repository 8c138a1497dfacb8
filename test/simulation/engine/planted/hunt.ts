/**
 * A process of its own: the sources with one planted mistake, and plans until one of them fails. Says what it found in one line.
 * Arguments: a `Hunt` as JSON.
 */
import { makePlan } from '../../world/plan';
import { storyPlans } from '../../world/stories';
import type { Plan } from '../../world/plan';
import { drive } from '../drive';
import { verdictOf } from '../verdict';
import type { Drive } from '../verdict';
import { withPostgres } from '../ownPostgres';

export interface Hunt {
  /** The stories that are tried first: how their names begin, and in how many schedules each. */
  readonly first: ReadonlyArray<{ readonly shownBy: readonly string[]; readonly schedules: number }>;
  /** After all stories. */
  readonly seeds: number;
  readonly tier: 'memory' | 'sql';
}

export interface Found {
  /** Plans that were run. */
  readonly runs: number;
  /** Null: not found. */
  readonly seen: { readonly invariant: string; readonly detail: string; readonly plan: string } | null;
}

/** The stories that are likely to show it, the other stories, then seeds. Over a real Postgres the likely ones alone. */
function* plans({ first, seeds, tier }: Hunt): Generator<Plan> {
  const stories = storyPlans();
  for (const { shownBy, schedules } of first) {
    const likely = stories.filter(({ name }) => shownBy.some((start) => name?.startsWith(start) === true));
    for (let place = 0; place < schedules; place += 1)
      for (const plan of likely) yield { ...plan, schedule: plan.schedule + place };
  }
  if (tier === 'sql') return;
  yield* stories;
  for (let seed = 1; seed <= seeds; seed += 1) yield makePlan(seed);
}

async function hunt(wanted: Hunt, driven: Drive): Promise<Found> {
  let runs = 0;
  for (const plan of plans(wanted)) {
    runs += 1;
    const { violations } = await verdictOf(driven, plan);
    const [worst] = violations;
    if (worst !== undefined) return { runs, seen: { ...worst, plan: plan.name ?? `seed ${plan.seed}` } };
  }
  return { runs, seen: null };
}

async function huntAnywhere(wanted: Hunt): Promise<Found> {
  if (wanted.tier === 'memory') return hunt(wanted, drive);
  return withPostgres((driven) => hunt(wanted, driven));
}

// errors are thrown by the thousand on purpose, and each would walk its stack
Error.stackTraceLimit = 1;

huntAnywhere(JSON.parse(process.argv[2] ?? '{}') as Hunt).then(
  (found) => process.stdout.write(`${JSON.stringify(found)}\n`),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 2;
  },
);
