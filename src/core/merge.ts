import { same } from './fields';
import type { AgreedPair, Base, FieldRule, Fields, FieldValue, Policy } from './fields';

/** A value that lost, kept so that a person can take it after all. */
export interface LostValue {
  readonly field: string;
  readonly ours: FieldValue;
  readonly theirs: FieldValue;
  readonly winner: 'local' | 'remote' | 'ask' | 'deletion';
  readonly cause: 'both_edited' | 'edit_and_delete' | 'overwritten_unseen' | 'altered' | 'ping_pong';
}

export interface Merge {
  /** values to write here */
  readonly pull: Fields;
  /** values to send there; only what changed, so that a concurrent edit of another field there survives */
  readonly push: Fields;
  /** pairs that hold as soon as the pull is written; a pushed field's pair is moved only by its answer */
  readonly base: Base;
  readonly lost: readonly LostValue[];
}

type FieldVerdict =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'agreed' }
  | { readonly kind: 'pull' }
  | { readonly kind: 'altered' }
  | { readonly kind: 'push' }
  | { readonly kind: 'conflict' };

function judge(
  rule: FieldRule,
  pair: AgreedPair | undefined,
  ours: FieldValue,
  theirs: FieldValue,
): FieldVerdict {
  if (pair === undefined) {
    if (same(rule, ours, theirs)) return { kind: 'agreed' };
    // Nothing was ever agreed and one side is empty: an empty field says nothing against a filled one.
    if (rule.canonical(ours) === null) return { kind: 'pull' };
    if (rule.canonical(theirs) === null) return { kind: 'push' };
    return { kind: 'conflict' };
  }
  const oursChanged = !same(rule, ours, pair.ours);
  const theirsChanged = !same(rule, theirs, pair.theirs);
  if (!oursChanged && !theirsChanged) {
    const equal = same(rule, ours, theirs);
    // What they dropped stays ours; a form of their own that could not be taken with the answer is taken now.
    return { kind: equal || rule.canonical(theirs) === null ? 'unchanged' : 'altered' };
  }
  if (same(rule, ours, theirs)) return { kind: 'agreed' };
  if (oursChanged && theirsChanged) return { kind: 'conflict' };
  return { kind: oursChanged ? 'push' : 'pull' };
}

/**
 * Merges two standing sides field by field against their base.
 *
 * A conflict that we win marks their value as seen (`base` becomes the pair theirs/theirs): the loss is recorded once,
 * the push stays due whatever the row becomes next, and an edit back to the old base value is pushed too instead of
 * being mistaken for "nothing changed here".
 */
export function mergeFields(base: Base, ours: Fields, theirs: Fields, policy: Policy): Merge {
  const pull: Record<string, FieldValue> = {};
  const push: Record<string, FieldValue> = {};
  const next: Record<string, AgreedPair> = { ...base };
  const lost: LostValue[] = [];
  for (const [field, rule] of Object.entries(policy.fields)) {
    const here = ours[field] ?? null;
    const there = theirs[field] ?? null;
    const verdict = judge(rule, base[field], here, there);
    if (verdict.kind === 'agreed') next[field] = { ours: here, theirs: there };
    if (verdict.kind === 'push') push[field] = here;
    const loses = verdict.kind === 'conflict' && rule.onConflict === 'remote';
    if (verdict.kind === 'pull' || verdict.kind === 'altered' || loses) {
      pull[field] = there;
      next[field] = { ours: there, theirs: there };
    }
    if (verdict.kind === 'altered') {
      lost.push({ field, ours: here, theirs: there, winner: 'remote', cause: 'altered' });
    }
    if (verdict.kind === 'conflict') {
      lost.push({ field, ours: here, theirs: there, winner: rule.onConflict, cause: 'both_edited' });
      if (rule.onConflict === 'local') {
        push[field] = here;
        next[field] = { ours: there, theirs: there };
      }
    }
  }
  return { pull, push, base: next, lost };
}

/** Whether every synced field of a row equals its base, i.e. nothing here waits to be sent. */
export function equalsBase(base: Base, ours: Fields, policy: Policy): boolean {
  return Object.entries(policy.fields).every(([field, rule]) => {
    const pair = base[field];
    return pair !== undefined && same(rule, ours[field] ?? null, pair.ours);
  });
}

/** Fields whose value the other side accepted and did not keep: not pulled (that would erase it here), not sent again. */
export function droppedFields(base: Base, policy: Policy): string[] {
  return Object.entries(policy.fields).flatMap(([field, { canonical }]) => {
    const pair = base[field];
    const dropped = pair !== undefined && canonical(pair.ours) !== null && canonical(pair.theirs) === null;
    return dropped ? [field] : [];
  });
}

/**
 * The values on one side that go with a deletion on the other and that the deleting side did not know: edits since the
 * base, and what stood there without ever having been agreed.
 * @param survivor `remembered`: what a tombstone on the deleting side holds; those values are not lost
 */
export function editsLostToDeletion(
  base: Base,
  survivor: { side: 'ours' | 'theirs'; fields: Fields; remembered?: Fields },
  policy: Policy,
): LostValue[] {
  const { side, fields, remembered } = survivor;
  return Object.entries(policy.fields).flatMap(([field, rule]) => {
    const value = fields[field] ?? null;
    const other = remembered?.[field] ?? null;
    const pair =
      base[field] ?? (side === 'ours' ? { ours: null, theirs: other } : { ours: other, theirs: null });
    const known = remembered === undefined ? [pair[side]] : [pair[side], other];
    if (known.some((one) => same(rule, value, one))) return [];
    const ours = side === 'ours' ? value : pair.ours;
    const theirs = side === 'theirs' ? value : pair.theirs;
    return [{ field, ours, theirs, winner: 'deletion' as const, cause: 'edit_and_delete' as const }];
  });
}
