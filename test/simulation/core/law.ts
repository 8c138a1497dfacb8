/**
 * PROVE the room `src/core` by laws instead of examples: cases nobody thought of are made from a seed, decided by the real
 * functions, and held against what must be true of every case.
 * Touched by: the tests beside it (a share of the runs), `npm run sim:core` (as many as wanted).
 */
import type { Arbitrary } from 'fast-check';
import type { Tally } from './tally';

/** What must be true of every case. `hold` throws `Broken` where it is not. */
export interface Law<Seen> {
  readonly name: string;
  hold(seen: Seen): void;
}

/** Cases of one kind, what is to be seen of each (computed once for all laws), and their laws. */
export interface Family<Case, Seen> {
  readonly name: string;
  /** Its part of all runs, in percent. */
  readonly sharePercent: number;
  readonly cases: Arbitrary<Case>;
  see(one: Case, tally: Tally): Seen;
  readonly laws: readonly Law<Seen>[];
}

/** A family whose case type nobody outside needs to know. */
export interface AnyFamily {
  readonly name: string;
  readonly sharePercent: number;
  readonly lawNames: readonly string[];
  /** Makes `runs` cases and holds each against the laws, all of them or the one named. @throws with the smallest case found */
  run(options: { readonly runs: number; readonly seed: number; readonly law?: string }, tally: Tally): void;
}

export class Broken extends Error {
  override readonly name = 'Broken';
}

export function must(holds: boolean, story: string, detail?: unknown): asserts holds {
  if (holds) return;
  throw new Broken(detail === undefined ? story : `${story}: ${JSON.stringify(detail)}`);
}
