import fc from 'fast-check';
import type { AnyFamily, Family } from './law';

/** Hides the case type of a family behind the one thing everybody does with it. */
export function runnable<Case, Seen>(family: Family<Case, Seen>): AnyFamily {
  const { name, sharePercent, cases, laws } = family;
  return {
    name,
    sharePercent,
    lawNames: laws.map((law) => law.name),
    run({ runs, seed, law: only }, tally) {
      const chosen = laws.filter((law) => only === undefined || law.name === only);
      if (chosen.length === 0) throw new Error(`${name} has no law named ${only}`);
      const property = fc.property(cases, (one) => {
        const seen = family.see(one, tally);
        for (const law of chosen) law.hold(seen);
      });
      fc.assert(property, { numRuns: runs, seed });
    },
  };
}
