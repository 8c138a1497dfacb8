/**
 * Named stories: one small plan for each failure of the list in docs/RECONCILE.md that a simulated world can show. The engine
 * kills the worker at every step of each of them in turn.
 */
import { BETWEEN_SIDES } from './storiesOfSides';
import { OF_CALLS } from './storiesOfCalls';
import { OF_PARTS } from './storiesOfParts';
import { OF_EVENTS } from './storiesOfEvents';
import { ANN, planOfStory } from './story';
import type { Story } from './story';
import type { Plan } from './plan';

export const STORIES: readonly Story[] = [...OF_CALLS, ...OF_EVENTS, ...BETWEEN_SIDES, ...OF_PARTS];

export function storyPlans(): Plan[] {
  return STORIES.map(planOfStory);
}

export { ANN };
