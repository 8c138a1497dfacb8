/** Laws of several systems: one record, three links, looked at in any order. */
import { isDeepStrictEqual } from 'node:util';
import { equalsBase } from '../../../src/core/merge';
import { alsoHeld, heldBy, policyByRank } from '../../../src/core/rank';
import type { RankedBase } from '../../../src/core/rank';
import type { FieldValue, Policy } from '../../../src/core/fields';
import { must } from './law';
import type { Family, Law } from './law';
import { agreedAt, anySeveral, edited, end, ranked, ROUNDS_MAX, SYSTEMS } from './severalSystems';
import type { Ended, Place, Several } from './severalSystems';
import { alike, FIELDS, form, formOf, policyOf, rewritten } from './values';
import type { FieldName } from './values';

interface Ends {
  readonly several: Several;
  readonly policy: Policy;
  readonly ends: readonly [Ended, Ended];
}

/** Values that came to be since all was agreed, where they came to be. */
function changes({ agreed, edits }: Several, field: FieldName): Map<Place, FieldValue> {
  const last = new Map(edits.filter((one) => one.field === field).map(({ at, value }) => [at, value]));
  return new Map([...last].filter(([, value]) => !alike(field, value, agreed[field])));
}

/** More than one new value, and a person wants to be asked. */
function isAsked(several: Several, field: FieldName): boolean {
  if (several.rules.onConflict[field] !== 'ask') return false;
  return new Set([...changes(several, field).values()].map((value) => form(field, value))).size > 1;
}

function decided(several: Several): FieldName[] {
  return FIELDS.filter((field) => !isAsked(several, field));
}

const anyOrder: Law<Ends> = {
  name: 'I8 order: in whatever order the links are looked at, all four places end the same',
  hold({ several, ends: [one, two] }) {
    for (const field of decided(several)) {
      const ended = ({ here, there }: Ended) => [here, ...there].map((side) => form(field, side[field]));
      must(isDeepStrictEqual(ended(one), ended(two)), `${field} ends the same`, [ended(one), ended(two)]);
    }
  },
};

const equal: Law<Ends> = {
  name: 'I1 and I7: all four places are equal after a few rounds, and then nothing moves any more',
  hold({ several, policy, ends }) {
    for (const { here, there, bases, rounds } of ends) {
      must(rounds < ROUNDS_MAX, 'it comes to rest', rounds);
      for (const field of decided(several)) {
        must(
          there.every((side) => alike(field, side[field], here[field])),
          `${field} is equal everywhere`,
          { here, there },
        );
      }
      if (decided(several).length < FIELDS.length) continue;
      must(
        bases.every((base) => equalsBase(base, here, policy)),
        'every base agrees',
        bases,
      );
    }
  },
};

const winner: Law<Ends> = {
  name: 'I12 rank: an edit here is decided by the policy, among systems the highest rank wins, and what nobody changed stays',
  hold({ several, ends }) {
    for (const field of decided(several)) {
      const changed = changes(several, field);
      const policy = several.rules.onConflict[field];
      const highest = SYSTEMS.find((at) => changed.has(at));
      const ours = changed.has('here') && (policy === 'local' || highest === undefined);
      const wins = ours ? 'here' : highest;
      const wanted = wins === undefined ? several.agreed[field] : changed.get(wins);
      for (const { here } of ends)
        must(alike(field, here[field], wanted), `${field} is the winner's`, { here, wanted });
    }
  },
};

const nobodyLost: Law<Ends> = {
  name: 'I3: a change that does not stand at the end is a recorded lost value',
  hold({ several, ends }) {
    for (const field of decided(several)) {
      for (const value of changes(several, field).values()) {
        for (const { here, lost } of ends) {
          const said = lost.some(
            (one) =>
              one.field === field && (alike(field, one.ours, value) || alike(field, one.theirs, value)),
          );
          must(said || alike(field, here[field], value), `${field} is kept`, { value, lost });
        }
      }
    }
  },
};

const invented: Law<Ends> = {
  name: 'I4: every value at the end was agreed or written by somebody, of that field',
  hold({ several, ends }) {
    for (const field of FIELDS) {
      const known = [
        several.agreed[field],
        ...several.edits.filter((one) => one.field === field).map((one) => one.value),
      ];
      for (const { here, there } of ends) {
        for (const side of [here, ...there])
          must(known.includes(side[field] ?? null), `${field} was written`, side);
      }
    }
  },
};

const ranks: Law<Ends> = {
  name: 'who holds a value does not depend on the order in which links are listed, nor on how it is written; asking stays asking',
  hold({ several, policy, ends: [{ here, bases }] }) {
    const start = SYSTEMS.map((at) => agreedAt(several, at));
    for (const all of [bases, start]) {
      const listed = SYSTEMS.map((rank) => ({ rank, base: all[rank] ?? {} }));
      const held = heldBy(listed, here, policy);
      for (const field of FIELDS) {
        const holds = ({ base }: RankedBase) =>
          base[field]?.pulled === true && alike(field, base[field].ours, here[field]);
        must(held[field] === listed.find(holds)?.rank, `the highest rank that holds ${field} counts`, held);
      }
      must(isDeepStrictEqual(heldBy(listed.toReversed(), here, policy), held), 'in any order', held);
      const others = Object.fromEntries(FIELDS.map((field) => [field, rewritten(field, here[field])]));
      must(isDeepStrictEqual(heldBy(listed, others, policy), held), 'in any writing', [formOf(others), held]);
      for (const at of SYSTEMS) {
        const byRank = policyByRank(policy, held, at);
        for (const field of FIELDS) {
          const [was, is] = [policy.fields[field]!.onConflict, byRank.fields[field]!.onConflict];
          const rank = held[field];
          const wanted = was === 'ask' || rank === undefined ? was : rank < at ? 'local' : 'remote';
          must(is === wanted, `${field} by rank`, { was, is, held, at });
        }
      }
    }
  },
};

const marks: Law<Ends> = {
  name: 'a value agreed anew is held by this system too where another holds it or every system outranks us, and only while it stands',
  hold({ several, policy, ends: [{ here, bases }] }) {
    for (const at of SYSTEMS) {
      const [old, now] = [agreedAt(several, at), bases[at] ?? {}];
      const held = heldBy(ranked(bases, at), here, policy);
      const there = edited(several, at);
      for (const fields of [here, there]) {
        const marked = alsoHeld(old, now, { held, fields, policy });
        for (const field of FIELDS) {
          const [before, pair, is] = [old[field], now[field], marked[field]];
          const counts = held[field] !== undefined || several.rules.onConflict[field] === 'remote';
          const stands = alike(field, pair?.ours, fields[field]);
          const wanted = pair?.pulled === true || (pair !== before && stands && counts);
          must((is?.pulled === true) === wanted, `${field} is held exactly then`, { pair, is, held });
          must(is?.ours === pair?.ours && is?.theirs === pair?.theirs, `the values of ${field} stay`, {
            pair,
            is,
          });
        }
      }
    }
  },
};

export const RANKS: Family<Several, Ends> = {
  name: 'ranks',
  sharePercent: 10,
  cases: anySeveral,
  see(several, tally) {
    const policy = policyOf(several.rules.onConflict, several.rules.onDelete);
    const [first, second] = several.orders;
    const ends = [end(several, first, policy, tally), end(several, second, policy, tally)] as const;
    tally.note(ends.map(({ here, there, lost }) => [here, there, lost]));
    return { several, policy, ends };
  },
  laws: [anyOrder, equal, winner, nobodyLost, invented, ranks, marks],
};
