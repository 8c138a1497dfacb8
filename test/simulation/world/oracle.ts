/** Judges a run: everything that INVARIANTS promise and that is not so, in words. */
import type { Outcome, Violation } from '../engine/outcome';
import { i1Convergence, i5NothingMissing } from './oracle/converged';
import { i6NoResurrection } from './oracle/deleted';
import { evidenceOf } from './oracle/evidence';
import type { Check, Facts } from './oracle/evidence';
import { i4NoInvention } from './oracle/invented';
import { i15Isolation } from './oracle/isolation';
import { i3NothingLost } from './oracle/kept';
import { i17AtMostOnce, i9OneKeyOneCall } from './oracle/keys';
import { i2OneToOne } from './oracle/oneToOne';
import { i14Promptness } from './oracle/prompt';
import { i10Queued, i11Inbox, i14Liveness } from './oracle/queued';
import { i13Runs, i16Secrecy } from './oracle/runs';
import { i7Silence } from './oracle/silence';
import { i18Timeline } from './oracle/timeline';
import { i3NothingUndone, i6RestoreStands } from './oracle/undone';
import type { Plan } from './plan';

const CHECKS: ReadonlyArray<readonly [invariant: string, Check]> = [
  ['I1', i1Convergence],
  ['I2', i2OneToOne],
  ['I3', i3NothingLost],
  ['I3', i3NothingUndone],
  ['I4', i4NoInvention],
  ['I5', i5NothingMissing],
  ['I6', i6NoResurrection],
  ['I6', i6RestoreStands],
  ['I7', i7Silence],
  ['I9', i9OneKeyOneCall],
  ['I10', i10Queued],
  ['I11', i11Inbox],
  ['I13', i13Runs],
  ['I14', i14Liveness],
  ['I14', i14Promptness],
  ['I15', i15Isolation],
  ['I16', i16Secrecy],
  ['I17', i17AtMostOnce],
  ['I18', i18Timeline],
];

export function judgeFacts(facts: Facts): Violation[] {
  const evidence = evidenceOf(facts);
  return CHECKS.flatMap(([invariant, check]) => check(evidence).map((detail) => ({ invariant, detail })));
}

/** @returns what the engine saw by itself and what the checks find */
export function judge(_plan: Plan, outcome: Outcome): Violation[] {
  return [...outcome.violations, ...judgeFacts(outcome)];
}

export { i12Determinism, i8Order } from './oracle/order';
