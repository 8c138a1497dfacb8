/** How a statement of src/store is recognised by its text, and what the memory Postgres does for it. */
import type { Call, Result, Waiting } from '../call';
import type { LinkRow } from '../schema';

export type Statement = (call: Call, values: readonly unknown[]) => Result | Waiting<Result>;

/** A statement is known by a part of its text that no other has. */
export interface Known {
  readonly part: string | RegExp;
  readonly read: (text: string) => Statement;
}

/** A statement with one text. */
export function known<Values extends readonly unknown[]>(
  part: string | RegExp,
  run: (call: Call, values: Values) => Result | Waiting<Result>,
): Known {
  return { part, read: () => run as unknown as Statement };
}

/** A statement that src/store puts together from parts: its text is read once. */
export function knownByText(part: string | RegExp, read: (text: string) => Statement): Known {
  return { part, read };
}

export const date = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));

/** `any(…)` of a text array, in the order of the table. */
export const among = <T>(list: readonly T[]): ((value: T) => boolean) => {
  if (list.length === 1) return (value) => value === list[0];
  const set = new Set(list);
  return (value) => set.has(value);
};

/** By code point, as ids and names are ordered. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `MAY_HAVE_MADE` of src/store/intents.ts. */
export function mayHaveMade(call: Call, { id }: LinkRow): boolean {
  return call.tables.intents.some(
    call,
    (intent) => intent.link_id === id && (intent.ended_at === null || intent.sends > intent.unbegun),
  );
}
