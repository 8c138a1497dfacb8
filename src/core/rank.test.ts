import { reconcile } from './reconcile';
import { alsoHeld, heldBy, policyByRank } from './rank';
import type { Base, ConflictPolicy, Policy } from './fields';

const text = (value: unknown) => (typeof value === 'string' ? value.trim() : null);

function policyOf(onConflict: ConflictPolicy): Policy {
  return { onDelete: 'propagate', fields: { name: { canonical: text, onConflict } } };
}

const LOCAL = policyOf('local');
const pulled = (name: string): Base => ({ name: { ours: name, theirs: name, pulled: true } });
const sent = (name: string): Base => ({ name: { ours: name, theirs: name } });

describe('where a value came from', () => {
  test('a value that was pulled from another system and still stands is held by it, in whatever form it is written', () => {
    expect(heldBy([{ rank: 2, base: pulled('Anne') }], { name: ' Anne ' }, LOCAL)).toEqual({ name: 2 });
  });

  test('what was only sent there was written here', () => {
    expect(heldBy([{ rank: 0, base: sent('Anne') }], { name: 'Anne' }, LOCAL)).toEqual({});
  });

  test('an edit made here since is ours', () => {
    expect(heldBy([{ rank: 0, base: pulled('Anne') }], { name: 'Anna' }, LOCAL)).toEqual({});
  });

  test('of several that say it the highest rank counts, in whatever order they are listed', () => {
    const bases = [
      { rank: 2, base: pulled('Anne') },
      { rank: 0, base: pulled('Anne') },
      { rank: 1, base: pulled('Anna') },
    ];
    expect(heldBy(bases, { name: 'Anne' }, LOCAL)).toEqual({ name: 0 });
    expect(heldBy(bases.toReversed(), { name: 'Anne' }, LOCAL)).toEqual({ name: 0 });
  });

  test('a field that was emptied there is held as empty', () => {
    const base: Base = { name: { ours: null, theirs: null, pulled: true } };
    expect(heldBy([{ rank: 1, base }], { name: null }, LOCAL)).toEqual({ name: 1 });
  });
});

describe('I12: two systems changed one field', () => {
  const decide = (onConflict: ConflictPolicy, held: number | undefined, mine: number) => {
    const policy = policyByRank(policyOf(onConflict), held === undefined ? {} : { name: held }, mine);
    const local = { kind: 'edited', fields: { name: 'here' }, version: 2 } as const;
    const { step } = reconcile(sent('before'), local, { kind: 'edited', fields: { name: 'there' } }, policy);
    return step.kind === 'merge' ? { pull: step.pull, push: step.push, lost: step.lost.length } : step;
  };
  const theirs = { pull: { name: 'there' }, push: {}, lost: 1 };
  const ours = { pull: {}, push: { name: 'here' }, lost: 1 };

  test.each(['local', 'remote'] as const)(
    'policy %s: the higher rank stays, the lower one gives way',
    (policy) => {
      expect(decide(policy, 0, 1)).toEqual(ours);
      expect(decide(policy, 2, 1)).toEqual(theirs);
    },
  );

  test('an edit made here is decided by the policy alone, whatever the rank', () => {
    expect([decide('local', undefined, 0), decide('local', undefined, 9)]).toEqual([ours, ours]);
    expect([decide('remote', undefined, 0), decide('remote', undefined, 9)]).toEqual([theirs, theirs]);
  });

  test('where a person wants to be asked, the rank answers nothing', () => {
    for (const held of [0, 2]) expect(decide('ask', held, 1)).toEqual({ pull: {}, push: {}, lost: 1 });
  });
});

describe('a second system that says the same', () => {
  const here = { held: { name: 1 }, fields: { name: 'Anne' }, policy: LOCAL };

  test('holds the value as well', () => {
    expect(alsoHeld(sent('Ann'), sent('Anne'), here)).toEqual(pulled('Anne'));
  });

  test('holds what we wrote as well, where every system outranks us', () => {
    const ours = { held: {}, fields: { name: 'Anne' }, policy: policyOf('remote') };
    expect(alsoHeld(sent('Ann'), sent('Anne'), ours)).toEqual(pulled('Anne'));
  });

  test('does not hold what nobody but we wrote, what was agreed before, or what it lost', () => {
    expect(alsoHeld(sent('Ann'), sent('Anne'), { ...here, held: {} })).toEqual(sent('Anne'));
    const agreed = sent('Anne');
    expect(alsoHeld(agreed, agreed, here)).toEqual(sent('Anne'));
    expect(alsoHeld(sent('Ann'), sent('Annika'), here)).toEqual(sent('Annika'));
  });
});
