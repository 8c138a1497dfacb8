import { parseArgs } from 'node:util';

import { isDrawn } from '../world/draw';
import type { Kind } from './crew';

export interface Wanted {
  readonly seeds: number;
  /** The first one; the others follow it. */
  readonly seed: number;
  /** Seeds are run until this time is over; null: as many as `seeds`. */
  readonly minutes: number | null;
  /** Every turn of one seed is printed. */
  readonly trace: boolean;
  /** Seeds of the usual worlds where nothing else is asked for. */
  readonly of: Kind;
}

const SEEDS_DEFAULT = 1_000;
export const SEED_MAX = 2 ** 31 - 1;
const SEEDS_MAX = 10_000_000;
const MINUTES_MAX = 1_440;
const KNOWN =
  '--seeds <count>, --seed <the first one>, --minutes <minutes>, --trace, --doubts, --stories, --boundaries';

/** Instead of the usual seeds. */
const KINDS = ['doubts', 'stories', 'boundaries'] as const satisfies readonly Kind[];

function whole(text: string): number | null {
  return /^\d{1,10}$/.test(text) ? Number(text) : null;
}

function given(args: readonly string[]): Record<string, string | boolean | undefined> | string {
  try {
    const options = {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      minutes: { type: 'string' },
      trace: { type: 'boolean' },
      doubts: { type: 'boolean' },
      stories: { type: 'boolean' },
      boundaries: { type: 'boolean' },
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    return error instanceof Error ? error.message.split('. ')[0]! : String(error);
  }
}

/** @returns the number, or null when it makes no sense */
function number(
  text: string | boolean | undefined,
  otherwise: number,
  least: number,
  most: number,
): number | null {
  const value = text === undefined ? otherwise : whole(String(text));
  return value !== null && value >= least && value <= most ? value : null;
}

/**
 * A seed is drawn where none is given.
 * @returns what is wanted, or a message that says what is wrong with the arguments and what is known
 */
export function readArguments(args: readonly string[], drawSeed: () => number): Wanted | string {
  const values = given(args);
  const known = `Known: ${KNOWN}. Example: npm run sim -- --seeds 20000 --seed 7`;
  if (typeof values === 'string') return `${values}. ${known}`;
  const trace = values['trace'] === true;
  const seeds = number(values['seeds'], trace ? 1 : SEEDS_DEFAULT, 1, SEEDS_MAX);
  if (seeds === null)
    return `--seeds ${values['seeds']} is no number of seeds: give 1 to ${SEEDS_MAX}. ${known}`;
  const seed = number(values['seed'], drawSeed(), 0, SEED_MAX);
  if (seed === null)
    return `--seed ${values['seed']} is no seed: give 0 to ${SEED_MAX}, as a run prints it. ${known}`;
  const wanted = values['minutes'] === undefined ? null : number(values['minutes'], 1, 1, MINUTES_MAX);
  if (values['minutes'] !== undefined && wanted === null)
    return `--minutes ${values['minutes']} makes no sense: give 1 to ${MINUTES_MAX}. ${known}`;
  const asked = KINDS.filter((kind) => values[kind] === true);
  if (asked.length > 1) return `--${asked.join(' and --')} are two things: ask for one of them. ${known}`;
  const of = asked[0] ?? 'seeds';
  if (trace && (seeds !== 1 || !isDrawn(of)))
    return `--trace shows one seed: leave --${isDrawn(of) ? 'seeds' : of} out. ${known}`;
  return { seeds, seed, minutes: wanted, trace, of };
}
