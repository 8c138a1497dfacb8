/** All planted mistakes. The simulation must find each of them. */
import { IN_DECISIONS } from './decisions';
import type { Defect } from './defect';
import { IN_INTENTS } from './intents';
import { IN_ORDER } from './order';
import { IN_STATEMENTS } from './statements';

/** Must always be found, and at once: where it is not, the oracle is blind. */
export const CANARY: Defect = {
  name: 'canary: nothing is ever sent',
  file: 'src/core/merge.ts',
  find: "if (verdict.kind === 'push') push[field] = here;",
  replace: '',
  tier: 'memory',
  story: 'The two sides differ and nobody does anything about it.',
  shownBy: ['1: the answer to an update'],
};

export const PLANTED: readonly Defect[] = [
  CANARY,
  ...IN_INTENTS,
  ...IN_DECISIONS,
  ...IN_ORDER,
  ...IN_STATEMENTS,
];
