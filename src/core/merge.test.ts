import fc from 'fast-check';
import { editsLostToDeletion, equalsBase, mergeFields } from './merge';
import type { Base } from './fields';
import {
  agreed,
  anyBase,
  anyFields,
  anyPolicy,
  anyValue,
  canonical,
  FIELDS,
  inCanonicalForm,
  lookAt,
  policyOf,
} from './sides-for-tests';

const LOCAL = policyOf('local');
const ANN = { name: 'Ann', email: 'ann@example.com' };

describe('stories of one merge', () => {
  test('nothing changed: nothing is written on either side', () => {
    expect(mergeFields(agreed(ANN), ANN, ANN, LOCAL)).toEqual({
      pull: {},
      push: {},
      base: agreed(ANN),
      lost: [],
    });
  });

  test('failure 26: the e-mail changed there while the name changed here: both survive', () => {
    const merge = mergeFields(
      agreed(ANN),
      { ...ANN, name: 'Anna' },
      { ...ANN, email: 'new@example.com' },
      LOCAL,
    );
    expect(merge).toMatchObject({ pull: { email: 'new@example.com' }, push: { name: 'Anna' }, lost: [] });
  });

  test('a push names only the field that changed', () => {
    expect(mergeFields(agreed(ANN), { ...ANN, name: 'Anna' }, ANN, LOCAL).push).toEqual({ name: 'Anna' });
  });

  test('a pushed field is not agreed before its answer came', () => {
    expect(mergeFields(agreed(ANN), { ...ANN, name: 'Anna' }, ANN, LOCAL).base).toEqual(agreed(ANN));
  });

  test('a value that was emptied here is emptied there', () => {
    expect(mergeFields(agreed(ANN), { ...ANN, name: null }, ANN, LOCAL).push).toEqual({ name: null });
  });

  test('failure 31: a difference in writing alone is no change', () => {
    const shouted = { name: ' ann ', email: 'ANN@example.com' };
    expect(mergeFields(agreed(ANN), shouted, ANN, LOCAL)).toMatchObject({ pull: {}, push: {}, lost: [] });
    expect(mergeFields(agreed(ANN), ANN, shouted, LOCAL)).toMatchObject({ pull: {}, push: {}, lost: [] });
  });

  test('a field that was never agreed takes the filled side, and is no conflict', () => {
    const merge = mergeFields(
      {},
      { name: 'Ann', email: ' ' },
      { name: null, email: 'ann@example.com' },
      LOCAL,
    );
    expect(merge).toMatchObject({ pull: { email: 'ann@example.com' }, push: { name: 'Ann' }, lost: [] });
  });
});

describe('failure 27: the same field changed differently on both sides', () => {
  const ours = { ...ANN, name: 'Anna' };
  const theirs = { ...ANN, name: 'Anne' };
  const loser = { field: 'name', ours: 'Anna', theirs: 'Anne', cause: 'both_edited' };

  test('policy local: ours is sent and theirs is kept as the loser', () => {
    const merge = mergeFields(agreed(ANN), ours, theirs, LOCAL);
    expect(merge).toMatchObject({ pull: {}, push: { name: 'Anna' }, lost: [{ ...loser, winner: 'local' }] });
  });

  test('policy remote: theirs is taken and ours is kept as the loser', () => {
    const merge = mergeFields(agreed(ANN), ours, theirs, policyOf('remote'));
    expect(merge).toMatchObject({ pull: { name: 'Anne' }, push: {}, lost: [{ ...loser, winner: 'remote' }] });
  });

  test('policy ask: neither side is written and the base stays, so the question stays', () => {
    const merge = mergeFields(agreed(ANN), ours, theirs, policyOf('ask'));
    expect(merge).toEqual({ pull: {}, push: {}, base: agreed(ANN), lost: [{ ...loser, winner: 'ask' }] });
  });

  test('policy local: a second look before the push went out records no second loser and still pushes', () => {
    const first = mergeFields(agreed(ANN), ours, theirs, LOCAL);
    expect(mergeFields(first.base, ours, theirs, LOCAL)).toMatchObject({ push: { name: 'Anna' }, lost: [] });
  });

  test('policy local: an edit back to the old value before the push went out is pushed, not taken for no change', () => {
    const first = mergeFields(agreed(ANN), ours, theirs, LOCAL);
    expect(mergeFields(first.base, ANN, theirs, LOCAL)).toMatchObject({
      push: { name: 'Ann' },
      pull: {},
      lost: [],
    });
  });
});

describe('edit against deletion', () => {
  test('failure 28: an edit that was not sent is kept as lost to the deletion', () => {
    const lost = editsLostToDeletion(agreed(ANN), { side: 'ours', fields: { ...ANN, name: 'Anna' } }, LOCAL);
    expect(lost).toEqual([
      { field: 'name', ours: 'Anna', theirs: 'Ann', winner: 'deletion', cause: 'edit_and_delete' },
    ]);
  });

  test('an edit there that we had not seen is kept with what stood here', () => {
    const lost = editsLostToDeletion(
      agreed(ANN),
      { side: 'theirs', fields: { ...ANN, name: 'Anne' } },
      LOCAL,
    );
    expect(lost).toEqual([
      { field: 'name', ours: 'Ann', theirs: 'Anne', winner: 'deletion', cause: 'edit_and_delete' },
    ]);
  });

  test('[!] failure 28: a value that was never agreed is kept as lost to the deletion too, on either side', () => {
    const cause = { winner: 'deletion', cause: 'edit_and_delete' };
    const base = agreed({ name: 'Ann' });
    const here = editsLostToDeletion(base, { side: 'ours', fields: ANN }, LOCAL);
    expect(here).toEqual([{ field: 'email', ours: ANN.email, theirs: null, ...cause }]);
    const remembered = { ...ANN, email: null };
    const there = editsLostToDeletion(base, { side: 'theirs', fields: ANN, remembered }, LOCAL);
    expect(there).toEqual([{ field: 'email', ours: null, theirs: ANN.email, ...cause }]);
  });

  test('what the tombstone remembers is not lost there', () => {
    const gone = { side: 'theirs', fields: ANN, remembered: ANN } as const;
    expect(editsLostToDeletion({}, gone, LOCAL)).toEqual([]);
    expect(editsLostToDeletion(agreed({ ...ANN, name: 'Anne' }), gone, LOCAL)).toEqual([]);
  });

  test('a deletion of what both sides agreed on loses nothing', () => {
    expect(editsLostToDeletion(agreed(ANN), { side: 'ours', fields: ANN }, LOCAL)).toEqual([]);
  });
});

describe('equal to the base', () => {
  test('a field that was never agreed still waits, also when it is empty', () => {
    expect(equalsBase({}, { name: null, email: null }, LOCAL)).toBe(false);
  });
  test('another writing of the agreed value does not wait', () => {
    expect(equalsBase(agreed(ANN), { name: 'ANN ', email: ANN.email }, LOCAL)).toBe(true);
  });
});

describe('laws of the merge', () => {
  const both = fc.record({ base: anyBase, ours: anyFields, theirs: anyFields });

  test('I1: one look leaves both sides equal, field by field', () => {
    fc.assert(
      fc.property(both, anyPolicy, (before, policy) => {
        const after = lookAt(before, policy);
        expect(inCanonicalForm(after.ours)).toEqual(inCanonicalForm(after.theirs));
        expect(equalsBase(after.base, after.ours, policy)).toBe(true);
      }),
    );
  });

  test('I7: a second look does nothing', () => {
    fc.assert(
      fc.property(both, anyPolicy, (before, policy) => {
        const after = lookAt(before, policy);
        expect(lookAt(after, policy).merge).toEqual({ pull: {}, push: {}, base: after.base, lost: [] });
      }),
    );
  });

  test('mirror: seen from the other side, every pull is a push and every winner the other one', () => {
    const mirrored = (base: Base): Base =>
      Object.fromEntries(Object.entries(base).map(([f, p]) => [f, { ours: p.theirs, theirs: p.ours }]));
    fc.assert(
      fc.property(both, ({ base, ours, theirs }) => {
        const here = mergeFields(base, ours, theirs, LOCAL);
        const there = mergeFields(mirrored(base), theirs, ours, policyOf('remote'));
        expect(there.pull).toEqual(here.push);
        expect(there.push).toEqual(here.pull);
        expect(there.lost.map((lost) => [lost.field, lost.theirs, lost.ours])).toEqual(
          here.lost.map((lost) => [lost.field, lost.ours, lost.theirs]),
        );
      }),
    );
  });

  test('I4: every resulting value came from one of the inputs, of the same field', () => {
    fc.assert(
      fc.property(
        both,
        fc.constantFrom<'local' | 'remote' | 'ask'>('local', 'remote', 'ask'),
        (before, onConflict) => {
          const after = lookAt(before, policyOf(onConflict));
          for (const field of FIELDS) {
            const known = [before.ours[field], before.theirs[field]];
            const pair = before.base[field];
            expect(known).toContain(after.ours[field]);
            expect(known).toContain(after.theirs[field]);
            const agreedValues = pair === undefined ? known : [...known, pair.ours, pair.theirs];
            for (const value of Object.values(after.base[field] ?? {})) expect(agreedValues).toContain(value);
          }
        },
      ),
    );
  });

  test('I3: what changed on one side only stands on both, whatever the policy', () => {
    const onConflict = fc.constantFrom<'local' | 'remote' | 'ask'>('local', 'remote', 'ask');
    fc.assert(
      fc.property(anyFields, anyValue, fc.boolean(), onConflict, (old, value, here, asked) => {
        const edited = { ...old, name: value };
        const before = { base: agreed(old), ours: here ? edited : old, theirs: here ? old : edited };
        const after = lookAt(before, policyOf(asked));
        expect(inCanonicalForm(after.ours)).toEqual(inCanonicalForm(edited));
        expect(inCanonicalForm(after.theirs)).toEqual(inCanonicalForm(edited));
        expect(after.merge.lost).toEqual([]);
      }),
    );
  });

  test('I3: a value that is on neither side afterwards was agreed before or is a recorded loser', () => {
    fc.assert(
      fc.property(both, anyPolicy, (before, policy) => {
        const after = lookAt(before, policy);
        for (const field of FIELDS) {
          const losers = after.merge.lost.flatMap((l) => (l.field === field ? [l.ours, l.theirs] : []));
          const pair = before.base[field];
          const old = pair === undefined ? [null] : [pair.ours, pair.theirs];
          const remembered = [after.ours[field], after.theirs[field], ...losers, ...old].map((v) =>
            canonical(v ?? null),
          );
          expect(remembered).toContain(canonical(before.ours[field] ?? null));
          expect(remembered).toContain(canonical(before.theirs[field] ?? null));
        }
      }),
    );
  });

  test('the same change on both sides is agreed: nothing is written and nothing lost', () => {
    fc.assert(
      fc.property(anyBase, anyFields, anyPolicy, (base, fields, policy) => {
        const merge = mergeFields(base, fields, fields, policy);
        expect(merge).toMatchObject({ pull: {}, push: {}, lost: [] });
        expect(equalsBase(merge.base, fields, policy)).toBe(true);
      }),
    );
  });

  test('I12: the same inputs give the same decision', () => {
    fc.assert(
      fc.property(both, anyPolicy, ({ base, ours, theirs }, policy) => {
        expect(mergeFields(base, ours, theirs, policy)).toEqual(mergeFields(base, ours, theirs, policy));
      }),
    );
  });
});
