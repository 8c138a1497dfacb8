import fc from 'fast-check';
import { foldAnswer, foldUnanswered } from './fold';
import { mergeFields } from './merge';
import type { Fields, FieldValue } from './fields';
import { agreed, anyFields, anyPolicy, canonical, FIELDS, policyOf } from './sides-for-tests';

const LOCAL = policyOf('local');
const A = { name: 'Ann', email: 'a@example.com' };
const B = { ...A, email: 'b@example.com' };
const C = { ...A, email: 'c@example.com' };

describe('the answer to what we sent', () => {
  test('what was sent came back: the pair is agreed and no other look is needed', () => {
    expect(foldAnswer(agreed(A), { email: B.email }, B, B, LOCAL)).toEqual({
      base: agreed(B),
      take: {},
      lost: [],
      dropped: [],
      lookAgain: false,
    });
  });

  test('[!] failure 53: the row moved on during the call: the answer is no conflict with it, and the newer edit is due', () => {
    const fold = foldAnswer(agreed(A), { email: B.email }, B, C, LOCAL);
    expect(fold).toMatchObject({ base: agreed(B), take: {}, lost: [], lookAgain: true });
    expect(mergeFields(fold.base, C, B, LOCAL)).toMatchObject({
      push: { email: C.email },
      pull: {},
      lost: [],
    });
  });

  test('[!] failures 32 and 52: B sent, answer late, edited back to A here: A is sent again and never undone by our own B', () => {
    const fold = foldAnswer(agreed(A), { email: B.email }, B, A, LOCAL);
    expect(fold).toMatchObject({ take: {}, lookAgain: true });
    expect(mergeFields(fold.base, A, B, LOCAL)).toMatchObject({
      push: { email: A.email },
      pull: {},
      lost: [],
    });
  });

  test('a field we did not send shows a value we do not know: it changes nothing and asks for another look', () => {
    const fold = foldAnswer(agreed(A), { email: B.email }, { ...B, name: 'Anne' }, B, LOCAL);
    expect(fold).toEqual({ base: agreed(B), take: {}, lost: [], dropped: [], lookAgain: true });
  });

  test('the record was deleted here during the call: nothing is written here and another look is asked for', () => {
    const shortened = { ...B, email: 'b@exam' };
    const fold = foldAnswer(agreed(A), { email: B.email }, shortened, null, LOCAL);
    expect(fold).toMatchObject({ take: {}, lost: [], lookAgain: true });
  });

  test('the answer to a create agrees on empty fields too', () => {
    const fold = foldAnswer(
      {},
      { name: 'Ann' },
      { name: 'Ann', email: null },
      { name: 'Ann', email: null },
      LOCAL,
    );
    expect(fold).toMatchObject({ base: agreed({ name: 'Ann', email: null }), lookAgain: false });
  });

  test('the answer to a create shows a value nobody here wrote: another look decides what it is', () => {
    const fold = foldAnswer({}, { name: 'Ann' }, A, { name: 'Ann', email: null }, LOCAL);
    expect(fold).toMatchObject({ take: {}, lookAgain: true });
    expect(fold.base['email']).toBeUndefined();
  });
});

describe('failure 55: the remote altered what we sent', () => {
  test('their form is taken over once, and what it replaced here is kept', () => {
    const theirs = { ...A, name: 'Ann B.' };
    const ours = { ...A, name: 'Ann Boleyn' };
    const fold = foldAnswer(agreed(A), { name: 'Ann Boleyn' }, theirs, ours, LOCAL);
    expect(fold).toEqual({
      base: agreed(theirs),
      take: { name: 'Ann B.' },
      lost: [{ field: 'name', ours: 'Ann Boleyn', theirs: 'Ann B.', winner: 'remote', cause: 'altered' }],
      dropped: [],
      lookAgain: false,
    });
    expect(mergeFields(fold.base, theirs, theirs, LOCAL)).toMatchObject({ push: {}, pull: {}, lost: [] });
  });

  test('their form does not replace an edit made here since', () => {
    const fold = foldAnswer(
      agreed(A),
      { name: 'Ann Boleyn' },
      { ...A, name: 'Ann B.' },
      { ...A, name: 'Anna' },
      LOCAL,
    );
    expect(fold).toMatchObject({ take: {}, lost: [], lookAgain: true });
  });

  test('[!] altered while the row had moved on, and edited back since: their form is taken then, and no difference stays', () => {
    const [sent, theirs] = [
      { ...A, name: 'Ann Boleyn' },
      { ...A, name: 'Ann B.' },
    ];
    const fold = foldAnswer(agreed(A), { name: sent.name }, theirs, { ...A, name: 'Anna' }, LOCAL);
    expect(mergeFields(fold.base, sent, theirs, LOCAL)).toMatchObject({
      pull: { name: 'Ann B.' },
      push: {},
      base: agreed(theirs),
      lost: [{ field: 'name', ours: 'Ann Boleyn', theirs: 'Ann B.', winner: 'remote', cause: 'altered' }],
    });
  });

  test('a value they dropped is reported, does not erase ours, and is not sent again', () => {
    const ours = { ...A, name: 'Anna' };
    const dropped = { ...A, name: null };
    const fold = foldAnswer(agreed(A), { name: 'Anna' }, dropped, ours, LOCAL);
    expect(fold).toMatchObject({ take: {}, lost: [], dropped: ['name'], lookAgain: false });
    expect(mergeFields(fold.base, ours, dropped, LOCAL)).toMatchObject({ push: {}, pull: {}, lost: [] });
  });

  test('a value they dropped is sent again once it is edited', () => {
    const fold = foldAnswer(agreed(A), { name: 'Anna' }, { ...A, name: null }, { ...A, name: 'Anna' }, LOCAL);
    const merge = mergeFields(fold.base, { ...A, name: 'Anne' }, { ...A, name: null }, LOCAL);
    expect(merge).toMatchObject({ push: { name: 'Anne' }, pull: {}, lost: [] });
  });

  test('what they keep of a value we emptied is taken back here', () => {
    const fold = foldAnswer(agreed(A), { name: null }, A, { ...A, name: null }, LOCAL);
    expect(fold).toMatchObject({ take: { name: 'Ann' }, base: agreed(A) });
  });
});

describe('laws of the fold', () => {
  test('[!] failure 53: whatever the row has become, an honest answer never undoes or disputes it', () => {
    fc.assert(
      fc.property(anyFields, anyFields, anyFields, anyPolicy, (old, wanted, now, policy) => {
        const sent = mergeFields(agreed(old), wanted, old, policy).push;
        const there = { ...old, ...sent };
        const fold = foldAnswer(agreed(old), sent, there, now, policy);
        expect(fold).toMatchObject({ take: {}, lost: [], dropped: [] });
        const next = mergeFields(fold.base, now, there, policy);
        expect(next).toMatchObject({ pull: {}, lost: [] });
        for (const field of FIELDS) {
          const due = canonical(now[field] ?? null) !== canonical(there[field] ?? null);
          expect(field in next.push).toBe(due);
        }
      }),
    );
  });

  test('failure 31: sent in another writing than it has here, and answered in yet another: nothing moves afterwards', () => {
    const writing = fc.constantFrom<(value: FieldValue) => FieldValue>(
      (value) => value,
      canonical,
      (value) => (typeof value === 'string' ? ` ${value.toUpperCase()} ` : value),
    );
    fc.assert(
      fc.property(anyFields, anyFields, anyPolicy, writing, writing, (old, ours, policy, asSent, asKept) => {
        const rewritten = (fields: Fields, as: typeof canonical): Fields =>
          Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, as(value)]));
        const sent = rewritten(mergeFields(agreed(old), ours, old, policy).push, asSent);
        const there = { ...old, ...rewritten(sent, asKept) };
        const fold = foldAnswer(agreed(old), sent, there, ours, policy);
        expect(fold).toMatchObject({ take: {}, lost: [], dropped: [], lookAgain: false });
        expect(mergeFields(fold.base, ours, there, policy)).toMatchObject({ pull: {}, push: {}, lost: [] });
      }),
    );
  });

  test('I4 and failure 55: an altered answer is taken at most once, and never pushed back', () => {
    fc.assert(
      fc.property(anyFields, anyFields, anyFields, anyPolicy, (old, ours, altered, policy) => {
        const sent = mergeFields(agreed(old), ours, old, policy).push;
        const there = {
          ...old,
          ...Object.fromEntries(Object.keys(sent).map((f) => [f, altered[f] ?? null])),
        };
        const fold = foldAnswer(agreed(old), sent, there, ours, policy);
        const after = { ...ours, ...fold.take };
        expect(mergeFields(fold.base, after, there, policy)).toMatchObject({ pull: {}, push: {}, lost: [] });
        for (const [field, value] of Object.entries(fold.take)) expect(value).toBe(altered[field]);
        for (const field of fold.dropped) expect(after[field]).toBe(ours[field]);
      }),
    );
  });
});

describe('failure 52: an update whose answer never came', () => {
  const name = (value: string) => ({ ...A, name: value });
  const sent = { name: 'Anna' };

  test('the field shows what was sent: agreed, so an edit back here is due', () => {
    const { base, tookEffect } = foldUnanswered(agreed(A), sent, name('Anna'), A, LOCAL);
    expect(tookEffect).toBe(true);
    expect(mergeFields(base, A, name('Anna'), LOCAL)).toMatchObject({
      push: { name: 'Ann' },
      pull: {},
      lost: [],
    });
  });

  test('the field shows what was agreed: it did not take effect and stays due', () => {
    const { base, tookEffect } = foldUnanswered(agreed(A), sent, A, name('Anna'), LOCAL);
    expect(tookEffect).toBe(false);
    expect(mergeFields(base, name('Anna'), A, LOCAL)).toMatchObject({ push: sent, pull: {}, lost: [] });
  });

  test('[!] another field shows what was sent: put back there, or one of two edits made there by hand: the loser is kept', () => {
    const both = { name: 'Anna', email: B.email };
    const { base } = foldUnanswered(agreed(A), both, name('Anna'), both, LOCAL);
    const loser = { field: 'email', ours: B.email, theirs: A.email, cause: 'both_edited' };
    expect(mergeFields(base, both, name('Anna'), LOCAL)).toMatchObject({
      push: { email: B.email },
      pull: {},
      lost: [{ ...loser, winner: 'local' }],
    });
    expect(mergeFields(base, both, name('Anna'), policyOf('remote'))).toMatchObject({
      push: {},
      pull: { email: A.email },
      lost: [{ ...loser, winner: 'remote' }],
    });
  });

  test('[!] another field shows what was sent, and this one still shows nothing: dropped or never arrived, it is not erased unsaid', () => {
    const old = { ...A, email: null };
    const both = { name: 'Anna', email: B.email };
    const there = { name: 'Anna', email: null };
    const { base } = foldUnanswered(agreed(old), both, there, both, LOCAL);
    const loser = { field: 'email', ours: B.email, theirs: null };
    expect(mergeFields(base, both, there, LOCAL)).toMatchObject({ push: { email: B.email }, lost: [loser] });
    expect(mergeFields(base, both, there, policyOf('remote'))).toMatchObject({
      pull: { email: null },
      lost: [loser],
    });
  });

  test('the record was deleted here meanwhile: what stays in the base is no edit of ours', () => {
    expect(foldUnanswered(agreed(A), sent, name('Anne'), null, LOCAL).base).toEqual(agreed(A));
  });

  test('I3: whatever stands there and here now, an edit made here never loses unrecorded to a third value', () => {
    fc.assert(
      fc.property(
        anyFields,
        anyFields,
        anyFields,
        anyFields,
        anyPolicy,
        (old, wanted, there, now, policy) => {
          const update = mergeFields(agreed(old), wanted, old, policy).push;
          const { base } = foldUnanswered(agreed(old), update, there, now, policy);
          const merge = mergeFields(base, now, there, policy);
          for (const field of Object.keys(update)) {
            const [was, theirs, ours] = [old, there, now].map((side) => canonical(side[field] ?? null));
            const third = theirs !== was && theirs !== canonical(update[field] ?? null) && theirs !== ours;
            if (third) expect(merge.lost.map((lost) => lost.field)).toContain(field);
          }
        },
      ),
    );
  });
});
