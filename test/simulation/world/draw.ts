import { makePlanOfDoubts } from './creationsInDoubt';
import { makePlan } from './makePlan';
import type { Plan } from './plan';

/** What seeds may draw: any world (`seeds`), or one in which nobody hears what became of creations (`doubts`). */
export type Drawn = 'seeds' | 'doubts';

export function isDrawn(of: string): of is Drawn {
  return of === 'seeds' || of === 'doubts';
}

/** The same seed, the same plan. */
export function planOf(of: Drawn, seed: number): Plan {
  return of === 'doubts' ? makePlanOfDoubts(seed) : makePlan(seed);
}
