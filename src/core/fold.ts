import { same } from './fields';
import { droppedFields, equalsBase } from './merge';
import type { AgreedPair, Base, Fields, FieldValue, Policy } from './fields';
import type { LostValue } from './merge';

export interface Fold {
  readonly base: Base;
  /** Their form of what we sent, to be written here once: trimmed, truncated or the like. */
  readonly take: Fields;
  /** What `take` replaces here. */
  readonly lost: readonly LostValue[];
  /** Fields we sent a value for, now or before, and got nothing: not taken over, not sent again; parked. */
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
    if (rule.canonical(theirs) !== null && ours !== null && same(rule, ours[field] ?? null, value)) {
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
    dropped: droppedFields(next, policy),
    lookAgain: lookAgain || after === null || !equalsBase(next, after, policy),
  };
}

/**
 * Folds what stands there into the base after an update whose answer never came and cannot be asked for any more (its
 * key may be forgotten, or answers with a stored failure), and of which no event tells. An update takes effect as a whole or not at all, so one field
 * that shows what we sent suggests it of the others; but somebody may have made that one change there by hand.
 *
 * - Shows what we sent: agreed. An edit back to the old value made here since is then seen as new.
 * - Still shows what was agreed, as all fields do: the update did not take effect and stays due.
 * - Still shows what was agreed, and another field shows what we sent: it was put back there, dropped, or never arrived.
 *   Nobody can tell, so both sides count as changed: the policy decides, and the loser is recorded.
 * - Shows something else: nobody can tell whether our value ever stood there. Both sides count as changed here as well.
 * @param ours the row now, or null when it was deleted meanwhile
 */
export function foldUnanswered(
  base: Base,
  sent: Fields,
  there: Fields,
  ours: Fields | null,
  policy: Policy,
): { readonly base: Base; readonly tookEffect: boolean } {
  const fields = Object.entries(policy.fields).flatMap(([field, rule]) => {
    const value = sent[field];
    return value === undefined ? [] : [{ field, rule, value, theirs: there[field] ?? null }];
  });
  const tookEffect = fields.some(({ rule, value, theirs }) => same(rule, theirs, value));
  const next: Record<string, AgreedPair> = { ...base };
  for (const { field, rule, value, theirs } of fields) {
    const pair = base[field];
    const old = pair !== undefined && same(rule, theirs, pair.theirs);
    const editedSince = ours !== null && !same(rule, ours[field] ?? null, value);
    if (same(rule, theirs, value)) next[field] = { ours: value, theirs };
    else if (old ? tookEffect : editedSince)
      next[field] = { ours: old && !editedSince ? pair.ours : value, theirs: value };
  }
  return { base: next, tookEffect };
}
