/** What many runs count, and how it is printed. */
import { emptyTally } from './outcome';
import type { Tally, Violation } from './outcome';

export interface Failing {
  /** Of a named story, else null. */
  readonly name: string | null;
  readonly seed: number;
  /** The boundary at which a process died; null: none on purpose. */
  readonly diesAt: number | null;
  readonly violations: readonly Violation[];
  readonly story: string;
}

export interface Sums {
  runs: number;
  readonly tally: Tally;
  /** Sum of all hashes, each mixed with its seed: the order of the runs does not matter. 16 hexadecimal digits. */
  hash: string;
  readonly failing: Failing[];
}

export function emptySums(): Sums {
  return { runs: 0, tally: emptyTally(), hash: '0'.repeat(16), failing: [] };
}

function addCounts(to: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) to[name] = (to[name] ?? 0) + count;
}

export function addTally(to: Tally, more: Tally): void {
  to.steps += more.steps;
  to.looks += more.looks;
  to.crashes += more.crashes;
  to.boundaries += more.boundaries;
  to.doubts += more.doubts;
  to.doubtsMade += more.doubtsMade;
  to.virtual_ms += more.virtual_ms;
  addCounts(to.acts, more.acts);
  addCounts(to.faults, more.faults);
}

const WORD = 2n ** 64n;
const SPREAD = 0x9e37_79b9_7f4a_7c15n;

export function addHash(sum: string, seed: number, hash: string): string {
  const mixed = BigInt(`0x${hash}`) * (BigInt(seed) * 2n + 1n) + BigInt(seed) * SPREAD;
  return ((BigInt(`0x${sum}`) + mixed) % WORD).toString(16).padStart(16, '0');
}

export function addSums(to: Sums, more: Sums): void {
  to.runs += more.runs;
  addTally(to.tally, more.tally);
  to.hash = ((BigInt(`0x${to.hash}`) + BigInt(`0x${more.hash}`)) % WORD).toString(16).padStart(16, '0');
  to.failing.push(...more.failing);
}

function counts(title: string, of: Readonly<Record<string, number>>): string {
  const told = Object.entries(of)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`);
  return `${title.padEnd(10)}${told.join(', ') || 'none'}`;
}

/** @param what was run, e.g. `seeds` */
export function linesOf({ runs, tally, hash }: Sums, what: string, seconds: number): string[] {
  const virtual_h = tally.virtual_ms / 3_600_000;
  const factor = Math.round((virtual_h * 3_600) / Math.max(seconds, 0.001));
  return [
    `${what.padEnd(10)}${runs}`,
    `seconds   ${seconds.toFixed(1)}, ${((seconds * 1_000) / Math.max(1, runs)).toFixed(2)} ms each`,
    `steps     ${tally.steps}`,
    `looks     ${tally.looks}`,
    `crashes   ${tally.crashes}, of ${tally.boundaries} boundaries`,
    `creates   ${tally.doubts} in doubt, ${tally.doubtsMade} of them had been made`,
    `time      ${virtual_h.toFixed(0)} h went by in them, ${factor} times as fast as real time`,
    counts('acts', tally.acts),
    counts('faults', tally.faults),
    `hash      ${hash}`,
  ];
}

/** @param command that shows it again */
export function linesOfFailing(
  { name, seed, diesAt, violations, story }: Failing,
  command: string,
): string[] {
  const died = diesAt === null ? '' : `, with a death at boundary ${diesAt}`;
  return [
    '',
    name === null ? `seed ${seed} is wrong:` : `the story "${name}"${died} is wrong:`,
    ...violations.slice(0, 8).map(({ invariant, detail }) => `  ${invariant}: ${detail}`),
    '',
    story,
    '',
    name === null
      ? `It is shown again by: ${command} --seed ${seed} --seeds 1   (turn by turn: ${command} --seed ${seed} --trace)`
      : `It is shown again by: ${command} ${diesAt === null ? '--stories' : '--boundaries'}`,
  ];
}
