/** What two runs must have in common. */
import { evidenceOf } from './evidence';
import type { Evidence, Facts } from './evidence';
import { canonical, FIELDS } from './sameness';

/**
 * What stands on all sides in the end, without the ids and numbers that chance gave. Of an object that was cut off (`detach`)
 * only that it stands: an edit that went with a deletion elsewhere may have reached it before it was cut off, or not. Of one that is
 * set aside likewise: what is refused takes with it what was sent in the same call, and what is sent together the order decides.
 */
function stateOf(evidence: Evidence): string[] {
  const shown = (side: string, fields: object): string =>
    `${side}: ${FIELDS.map((field) => String(canonical(field, Reflect.get(fields, field)))).join(', ')}`;
  const here = [...evidence.records.values()].flatMap(({ row }) =>
    row === null ? [] : [shown('here', row)],
  );
  const there = [...evidence.living].flatMap(([name, objects]) =>
    [...objects.values()].map(({ id, fields }) => {
      const link = evidence.links.find((one) => one.connection === name && one.remoteId === id);
      if (link?.detached === true) return `${name}: cut off`;
      return link?.outcome === 'parked' ? `${name}: set aside` : shown(name, fields);
    }),
  );
  return [...here, ...there].toSorted();
}

/** I8: the same accepted writes, heard of in another order, come to the same end. */
export function i8Order(one: Facts, other: Facts): string[] {
  const [a, b] = [stateOf(evidenceOf(one)), stateOf(evidenceOf(other))];
  const count = (list: readonly string[], line: string): number =>
    list.filter((each) => each === line).length;
  const more = (list: readonly string[], than: readonly string[]): string[] =>
    [...new Set(list)].filter((line) => count(list, line) > count(than, line));
  return [
    ...more(a, b).map((line) => `only in one order: ${line}`),
    ...more(b, a).map((line) => `only in the other order: ${line}`),
  ];
}

/** What is compared of two runs that must be one and the same. */
export interface Trace {
  readonly hash: string;
  readonly tally: { readonly steps: number };
}

/** I12: the same plan and schedule are the same run, step by step. */
export function i12Determinism(one: Trace, again: Trace): string[] {
  if (one.hash === again.hash) return [];
  return [
    `the same seed gave two histories: ${one.hash} with ${one.tally.steps} steps, ${again.hash} with ${again.tally.steps}`,
  ];
}
