import { same } from './fields';
import { equalsBase } from './merge';
import type { AgreedPair, Base, Fields, FieldValue, Policy } from './fields';
import type { LostValue } from './merge';

export interface Fold {
  readonly base: Base;
  /** Their form of what we sent, to be written here once: trimmed, truncated or the like. */
  readonly take: Fields;
  /** What `take` replaces here. */
  readonly lost: readonly LostValue[];
  /** Fields we sent a value for and got nothing: not taken over (that would erase it here), not sent again; parked. */
  readonly dropped: readonly string[];
  /** The answer shows a change we did not make: another look decides what it is. */
  readonly lookAgain: boolean;
}

/**
 * Folds the answer to a create or update into the base, against the values the intent carried and never against the
 * current row: the row may have moved on during the call, and our own write would then look like a conflict.
 *
 * A field we sent: the answer is their form of our value, so the pair (sent, answered) is agreed. A field we did not
 * send changes nothing here.
 * @param ours the row now, or null when it was deleted meanwhile
 */
export function foldAnswer(
  base: Base,
  sent: Fields,
  answered: Fields,
  ours: Fields | null,
  policy: Policy,
): Fold {
  const next: Record<string, AgreedPair> = { ...base };
  const take: Record<string, FieldValue> = {};
  const lost: LostValue[] = [];
  const dropped: string[] = [];
  let lookAgain = false;
  for (const [field, rule] of Object.entries(policy.fields)) {
    const theirs = answered[field] ?? null;
    const value = sent[field];
    if (value === undefined) {
      const pair = base[field];
      if (pair === undefined && rule.canonical(theirs) === null) next[field] = { ours: null, theirs };
      else if (pair === undefined || !same(rule, theirs, pair.theirs)) lookAgain = true;
      continue;
    }
    next[field] = { ours: value, theirs };
    if (same(rule, value, theirs)) continue;
    if (rule.canonical(theirs) === null) {
      dropped.push(field);
    } else if (ours !== null && same(rule, ours[field] ?? null, value)) {
      take[field] = theirs;
      next[field] = { ours: theirs, theirs };
      lost.push({ field, ours: value, theirs, winner: 'remote', cause: 'altered' });
    }
  }
  const after = ours === null ? null : { ...ours, ...take };
  return {
    base: next,
    take,
    lost,
    dropped,
    lookAgain: lookAgain || after === null || !equalsBase(next, after, policy),
  };
}
