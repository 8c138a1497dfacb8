/** What rules are made of. */
import { describe } from './history';
import type { LinkRow, Seen } from './seen';
import type { Violation } from './violation';
import type { RecordHistory } from './writers';

/** All that was seen in, what is wrong with it out. */
export type Rule = (seen: Seen) => Violation[];

export const LIVE_STATES: ReadonlySet<string> = new Set(['reserved', 'linked', 'deleting']);

export function violation(invariant: string, detail: string): Violation {
  return { invariant, detail };
}

export function isParked(link: LinkRow): boolean {
  return link.outcome === 'parked';
}

export function liveLinks(seen: Seen): LinkRow[] {
  return seen.links.filter(({ state }) => LIVE_STATES.has(state));
}

/** All that was done to a record, in the order in which it began. */
export function story({ writes, deletes, restores }: RecordHistory): string {
  const all = [...writes, ...deletes, ...restores].toSorted((a, b) => a.begin - b.begin);
  return all.map((operation) => `      ${describe(operation)}`).join('\n');
}
