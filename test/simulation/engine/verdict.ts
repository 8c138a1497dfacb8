/** One plan: run, held to the oracle, and cut down to its story when something is wrong. */
import { i8Order, judge } from '../world/oracle';
import { shrink } from '../world/shrink';
import { tell } from '../world/words';
import type { Plan } from '../world/plan';
import type { DriveOptions } from './drive';
import type { Outcome, Violation } from './outcome';

export type Drive = (plan: Plan, options?: DriveOptions) => Promise<Outcome>;

export interface Verdict {
  readonly outcome: Outcome;
  readonly violations: readonly Violation[];
}

/** Of so many seeds one is listened to: what it says in logs and histories is searched for values (I16). */
const LISTENED_EVERY = 8;

export async function verdictOf(drive: Drive, plan: Plan, options: DriveOptions = {}): Promise<Verdict> {
  const listens = plan.seed % LISTENED_EVERY === 0;
  const outcome = await drive(plan, { listens, ...options });
  // a run that was cut short has no end to hold to anything
  const violations = outcome.violations.length > 0 ? outcome.violations : judge(plan, outcome);
  return { outcome, violations };
}

/**
 * The same plan once more: it must come to the same, turn by turn. Where all deliveries were held until the end another order
 * must come to the same state (I8).
 */
export async function verdictOfTwo(drive: Drive, plan: Plan): Promise<Verdict> {
  const first = await verdictOf(drive, plan);
  if (first.violations.length > 0) return first;
  const { hash } = await drive(plan);
  const more: Violation[] = [];
  if (hash !== first.outcome.hash) {
    const detail = `run twice, the traces differ: ${first.outcome.hash} and ${hash}`;
    more.push({ invariant: 'I12', detail });
  }
  if (plan.held) {
    const other = await verdictOf(drive, { ...plan, schedule: plan.schedule + 1 });
    more.push(...other.violations);
    const differing = other.violations.length > 0 ? [] : i8Order(first.outcome, other.outcome);
    more.push(...differing.map((detail) => ({ invariant: 'I8', detail })));
  }
  return { ...first, violations: more };
}

/** A failing plan, cut down as far as it breaks the same invariant, in words. */
export async function storyOf(drive: Drive, plan: Plan, invariant: string, diesAt?: number): Promise<string> {
  const options = diesAt === undefined ? {} : { diesAt };
  const fails = async (smaller: Plan): Promise<boolean> => {
    const { violations } = await verdictOf(drive, smaller, options);
    return violations.some((violation) => violation.invariant === invariant);
  };
  // one that only two runs together show is told as it is
  return tell((await fails(plan)) ? await shrink(plan, fails) : plan);
}
