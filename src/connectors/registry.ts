import { MEMORY } from './memory';
import { STRIPE } from './stripe';
import type { System } from './system';

/** All systems. A new one is its folder and one line here. */
export const SYSTEMS: Readonly<Record<string, System>> = {
  memory: MEMORY,
  stripe: STRIPE,
};
