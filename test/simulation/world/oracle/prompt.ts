import type { Check, Evidence } from './evidence';

/**
 * Half the lease of a ring: a change whose ring was heard and forgotten is looked at when the lease is over, so nothing is lost by
 * it, and everybody waits.
 */
const LOOKED_AT_WITHIN_MS = 5_000;

/** Nothing is in anybody's way: people write, and that is all. */
function isCalm({ plan, tally }: Evidence): boolean {
  const { calls, deaths, stalls } = plan.rates;
  if (tally.crashes > 0 || deaths > 0 || stalls > 0 || plan.held || Object.keys(calls).length > 0)
    return false;
  return plan.acts.every(({ deed }) => {
    switch (deed.kind) {
      case 'write here':
      case 'edit there':
      case 'plant there':
      case 'erase there':
      case 'copy mark':
      case 'hint':
      case 'redeliver':
      case 'rest':
        return true;
      default:
        return false;
    }
  });
}

/** I14: where nothing is in the way, a look at each change made here begins in time, and not only by the net below the rings. */
export const i14Promptness: Check = (evidence) => {
  if (!isCalm(evidence)) return [];
  return [...evidence.records.values()].flatMap(({ id, entries }) =>
    entries.flatMap((change) => {
      if (change.kind !== 'change' || change.connection !== null) return [];
      const look = entries.find(({ kind, seq }) => kind === 'look' && seq > change.seq);
      if (look === undefined || look.at_ms - change.at_ms <= LOOKED_AT_WITHIN_MS) return [];
      return [
        `record ${id}: its change ${change.seq} was looked at ${look.at_ms - change.at_ms} ms later, with nothing in the way`,
      ];
    }),
  );
};
