import { same } from './fields';
import type { AgreedPair, Base, Fields, FieldValue, Policy } from './fields';
import type { LostValue, Merge } from './merge';

/**
 * Changes of direction of one field at one link, within the window: we wrote it there, took theirs, wrote it there again.
 * Two people who correct each other stop before that. A product that tidies up what comes in turns twice at each edit there:
 * three of those pass. Whoever writes on one side alone never turns.
 */
export const SWINGS_MAX = 7;
export const SWINGS_WINDOW_S = 600;

/** Which way a value went: `out` is written there, `in` is written here. */
type Way = 'out' | 'in';

/** What the sync did to one field of late. */
export interface Swings {
  readonly last: Way;
  /** When the direction changed, Unix seconds by Postgres's clock, within the window. */
  readonly turns: readonly number[];
  /** It turned too often: not written in either direction until the sides are alike or a person asks for it. */
  readonly stopped?: true;
}

/** By field; a field that is missing was not written yet. */
export type FieldSwings = Readonly<Record<string, Swings>>;

export interface Calmed extends Merge {
  readonly swings: FieldSwings;
  /** Fields that are left as they are on both sides, because they keep being rewritten. */
  readonly stopped: readonly string[];
}

interface Sides {
  readonly base: Base;
  readonly ours: Fields;
  readonly theirs: Fields;
  readonly swings: FieldSwings;
  readonly now_s: number;
}

/** How a merge writes one field. A conflict is two writes: theirs came, and ours replaces it, or the other way round. */
function waysOf(field: string, merge: Merge): Way[] {
  const won = merge.lost.find((lost) => lost.field === field && lost.cause === 'both_edited')?.winner;
  if (field in merge.push) return won === 'local' ? ['in', 'out'] : ['out'];
  if (field in merge.pull) return won === 'remote' ? ['out', 'in'] : ['in'];
  return [];
}

function swing(before: Swings | undefined, ways: readonly Way[], now_s: number): Swings | undefined {
  let last = before?.last;
  const turns = (before?.turns ?? []).filter((at) => at > now_s - SWINGS_WINDOW_S);
  for (const way of ways) {
    if (last !== undefined && last !== way) turns.push(now_s);
    last = way;
  }
  return last === undefined ? undefined : { last, turns };
}

function without<Value>(
  fields: Readonly<Record<string, Value>>,
  left: readonly string[],
): Record<string, Value> {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => !left.includes(field)));
}

/**
 * Takes out of a merge what would only go on for ever: a field that automations on both sides keep rewriting. Both values
 * are then a question to a person, like a conflict that nobody decided.
 */
export function calm(merge: Merge, sides: Sides, policy: Policy): Calmed {
  const { base, ours, theirs, now_s } = sides;
  const swings: Record<string, Swings> = {};
  const stopped: string[] = [];
  const lost: LostValue[] = [];
  for (const [field, rule] of Object.entries(policy.fields)) {
    const before = sides.swings[field];
    const here: FieldValue = ours[field] ?? null;
    const there: FieldValue = theirs[field] ?? null;
    const ways = waysOf(field, merge);
    const next = swing(before, ways, now_s);
    const again = before?.stopped === true && !same(rule, here, there);
    if (ways.length > 0 && next !== undefined && (again || next.turns.length > SWINGS_MAX)) {
      stopped.push(field);
      swings[field] = { last: before?.last ?? next.last, turns: before?.turns ?? [], stopped: true };
      lost.push({ field, ours: here, theirs: there, winner: 'ask', cause: 'ping_pong' });
    } else if (next !== undefined) {
      swings[field] = again ? { ...next, stopped: true } : next;
    }
  }
  if (stopped.length === 0) return { ...merge, swings, stopped };
  const kept: Record<string, AgreedPair> = without(merge.base, stopped);
  for (const field of stopped) {
    const pair = base[field];
    if (pair !== undefined) kept[field] = pair;
  }
  return {
    pull: without(merge.pull, stopped),
    push: without(merge.push, stopped),
    base: kept,
    lost: [...merge.lost.filter((value) => !stopped.includes(value.field)), ...lost],
    swings,
    stopped,
  };
}
