import { same } from './fields';
import type { Base, FieldRule, Fields, Policy } from './fields';

/**
 * Values standing here that came from other systems: by field, the rank of the highest of them. 0 is the highest rank.
 * A field that is missing was written here.
 */
export type Held = Readonly<Record<string, number>>;

/** Another link of the record. */
export interface RankedBase {
  readonly rank: number;
  readonly base: Base;
}

/** Tells from the other links' bases where the values that stand here came from. */
export function heldBy(others: readonly RankedBase[], ours: Fields, policy: Policy): Held {
  const held: Record<string, number> = {};
  for (const [field, rule] of Object.entries(policy.fields)) {
    for (const { rank, base } of others) {
      const pair = base[field];
      if (pair?.pulled !== true || !same(rule, pair.ours, ours[field] ?? null)) continue;
      held[field] = Math.min(held[field] ?? rank, rank);
    }
  }
  return held;
}

/**
 * The policy for one link: a value that came here from another system is no edit of ours, so between the two the rank
 * decides, whichever of them was read first. Where a person wants to be asked, a person is asked.
 */
export function policyByRank(policy: Policy, held: Held, rank: number): Policy {
  const fields = Object.entries(policy.fields).map(([field, rule]): [string, FieldRule] => {
    const other = held[field];
    if (other === undefined || rule.onConflict === 'ask') return [field, rule];
    return [field, { ...rule, onConflict: other < rank ? 'local' : 'remote' }];
  });
  return { ...policy, fields: Object.fromEntries(fields) };
}

/**
 * Marks a value that was agreed just now with this system too. It holds the value as well where another system does; and
 * where we wrote the same ourselves, if any system outranks us: the value then has the rank of the highest who says it.
 */
export function alsoHeld(
  base: Base,
  agreed: Base,
  here: { readonly held: Held; readonly fields: Fields; readonly policy: Policy },
): Base {
  const pairs = Object.entries(agreed).map(([field, pair]) => {
    const rule = here.policy.fields[field];
    const stands = rule !== undefined && same(rule, pair.ours, here.fields[field] ?? null);
    const counts = here.held[field] !== undefined || rule?.onConflict === 'remote';
    return [field, pair !== base[field] && stands && counts ? { ...pair, pulled: true as const } : pair];
  });
  return Object.fromEntries(pairs);
}
