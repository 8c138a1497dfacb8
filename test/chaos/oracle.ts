/**
 * What must hold of everything that stands in the end. Each rule takes all that was seen and returns what is wrong with it.
 * It is not the oracle of the simulated engine: that one reads the simulation's own record of steps and memory systems, where a
 * run knows of every write what became of it and when; here clients were cut off, so the history is intervals of one clock and
 * some of its results are unknown.
 */
import { atMostOnce, noResurrection, nothingInvented, nothingLost } from './historyRules';
import type { Rule } from './rule';
import {
  equality,
  everyEventHeard,
  nothingWaits,
  oneMutationPerIntent,
  oneToOne,
  timelineReplays,
} from './sidesRules';
import type { Seen } from './seen';
import type { Violation } from './violation';

const RULES: readonly Rule[] = [
  equality,
  oneToOne,
  nothingLost,
  nothingInvented,
  noResurrection,
  oneMutationPerIntent,
  atMostOnce,
  nothingWaits,
  everyEventHeard,
  timelineReplays,
];

export function judge(seen: Seen): Violation[] {
  return RULES.flatMap((rule) => rule(seen));
}

/** Of these rules none needs to know who did what. */
const OF_SIDES: readonly Rule[] = [
  equality,
  oneToOne,
  oneMutationPerIntent,
  nothingWaits,
  everyEventHeard,
  timelineReplays,
];

export function judgeSides(seen: Seen): Violation[] {
  return OF_SIDES.flatMap((rule) => rule(seen));
}

/** Whether both sides are equal by now: what recovery waits for. */
export function isEqual(seen: Seen): boolean {
  return equality(seen).length === 0 && nothingWaits(seen).length === 0;
}
