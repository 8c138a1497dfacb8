import { runnable } from './family';
import { ANSWERS } from './foldLaws';
import { LOOKS } from './lookLaws';
import { RANKS } from './rankLaws';
import type { Tally } from './tally';
import { UNANSWERED } from './unansweredLaws';
import { WORLDS } from './worldLaws';

export const FAMILIES = [
  runnable(LOOKS),
  runnable(ANSWERS),
  runnable(UNANSWERED),
  runnable(RANKS),
  runnable(WORLDS),
];

/** How many of the runs are each family's; all of them together, whatever is left over going to the first. */
export function shares(runs: number): number[] {
  const parts = FAMILIES.map(({ sharePercent }) => Math.floor((runs * sharePercent) / 100));
  const over = runs - parts.reduce((sum, part) => sum + part, 0);
  return parts.map((part, index) => (index === 0 ? part + over : part));
}

/** Runs every family with its share; each case is held against all laws of its family. @throws at the first broken law */
export function runAll(runs: number, seed: number, tally: Tally): void {
  for (const [index, share] of shares(runs).entries()) {
    if (share > 0) FAMILIES[index]!.run({ runs: share, seed }, tally);
  }
}
