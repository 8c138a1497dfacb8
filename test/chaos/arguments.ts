import { parseArgs } from 'node:util';
import { FAULT_NAMES, faultKind } from './faults';
import type { FaultName } from './faults';

export interface Wanted {
  readonly minutes: number;
  readonly seed: number;
  readonly faults: readonly FaultName[];
  /** Not a run of chaos: so many creates whose answers are lost. */
  readonly ambiguous: number | null;
}

const MINUTES_DEFAULT = 2;
const MINUTES_MAX = 24 * 60;
const AMBIGUOUS_MAX = 100_000;
const SEED_MAX = 2 ** 31 - 1;
const USAGE =
  'Usage: npm run chaos -- --minutes 2 --seed 7 [--faults kill-worker,cut], or npm run chaos -- --ambiguous 2000 --seed 7';

/** What `--faults` takes. */
export function knownFaults(): string {
  return FAULT_NAMES.map((name) => `  ${name.padEnd(24)}${faultKind(name).story}`).join('\n');
}

function isFault(name: string): name is FaultName {
  return FAULT_NAMES.some((known) => known === name);
}

function faultsIn(text: string): FaultName[] | string {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = names.filter((name) => !isFault(name));
  if (unknown.length > 0) return `--faults: unknown: ${unknown.join(', ')}. Known are:\n${knownFaults()}`;
  if (names.length === 0) return `--faults names none. Known are:\n${knownFaults()}`;
  return names.filter(isFault);
}

function wholeNumber(text: string, low: number, high: number): number | null {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= low && value <= high ? value : null;
}

/** @returns what is wanted, or a message that says what is wrong with the arguments */
export function readArguments(args: readonly string[], drawSeed: () => number): Wanted | string {
  const text = { type: 'string' } as const;
  let given: { minutes?: string; seed?: string; faults?: string; ambiguous?: string };
  try {
    given = parseArgs({
      args: [...args],
      options: { minutes: text, seed: text, faults: text, ambiguous: text },
    }).values;
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}. ${USAGE}`;
  }
  const minutes = given.minutes === undefined ? MINUTES_DEFAULT : Number(given.minutes);
  if (!(minutes > 0 && minutes <= MINUTES_MAX))
    return `--minutes ${given.minutes} is no time: above 0 to ${MINUTES_MAX}. ${USAGE}`;
  const seed = given.seed === undefined ? drawSeed() : wholeNumber(given.seed, 0, SEED_MAX);
  if (seed === null)
    return `--seed ${given.seed} is no seed: give a whole number from 0 to ${SEED_MAX}, as a run prints it`;
  const ambiguous = given.ambiguous === undefined ? null : wholeNumber(given.ambiguous, 1, AMBIGUOUS_MAX);
  if (given.ambiguous !== undefined && ambiguous === null)
    return `--ambiguous ${given.ambiguous} is no number from 1 to ${AMBIGUOUS_MAX}. ${USAGE}`;
  const faults = given.faults === undefined ? FAULT_NAMES : faultsIn(given.faults);
  return typeof faults === 'string' ? faults : { minutes, seed, faults, ambiguous };
}
