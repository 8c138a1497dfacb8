/** What the tests of this room share: a policy over two plain fields, and how two sides look after a decision was done. */
import fc from 'fast-check';
import { foldAnswer } from './fold';
import { mergeFields } from './merge';
import type { AgreedPair, Base, ConflictPolicy, Fields, FieldValue, Policy } from './fields';
import type { Merge } from './merge';

export const FIELDS = ['name', 'email'] as const;

/** Blank is no value; case does not count: enough to tell the compared form from the written one. */
export function canonical(value: FieldValue): FieldValue {
  if (typeof value !== 'string') return value;
  const text = value.trim().toLowerCase();
  return text === '' ? null : text;
}

export function policyOf(onConflict: ConflictPolicy, onDelete: Policy['onDelete'] = 'propagate'): Policy {
  return {
    fields: { name: { canonical, onConflict }, email: { canonical, onConflict } },
    onDelete,
  };
}

export function agreed(fields: Fields): Base {
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [field, { ours: value, theirs: value }]),
  );
}

export function inCanonicalForm(fields: Fields): Fields {
  return Object.fromEntries(FIELDS.map((field) => [field, canonical(fields[field] ?? null)]));
}

/** Few values, so that sides often agree, and all the ways in which two writings can be the same value. */
export const anyValue: fc.Arbitrary<FieldValue> = fc.constantFrom(
  null,
  '',
  '  ',
  'a',
  'A',
  ' a ',
  'b',
  'B ',
  'c',
);

export const anyFields: fc.Arbitrary<Fields> = fc.record({ name: anyValue, email: anyValue });

const samePair: fc.Arbitrary<AgreedPair> = fc
  .constantFrom<FieldValue[]>([null, '', ' '], ['a', 'A', ' a'], ['b', 'B '], ['c'])
  .chain((forms) => fc.record({ ours: fc.constantFrom(...forms), theirs: fc.constantFrom(...forms) }));

/** A base as looks leave it when nothing was refused: each pair is one value in two writings, or is missing. */
export const anyBase: fc.Arbitrary<Base> = fc.record(
  { name: samePair, email: samePair },
  { requiredKeys: [] },
);

export const anyPolicy: fc.Arbitrary<Policy> = fc
  .constantFrom<ConflictPolicy>('local', 'remote')
  .map((p) => policyOf(p));

export interface Both {
  readonly ours: Fields;
  readonly theirs: Fields;
  readonly base: Base;
}

/** One look done to its end: decided, pulled, pushed, and the answer folded. */
export function lookAt(before: Both, policy: Policy): Both & { readonly merge: Merge } {
  const merge = mergeFields(before.base, before.ours, before.theirs, policy);
  const ours = { ...before.ours, ...merge.pull };
  const theirs = { ...before.theirs, ...merge.push };
  if (Object.keys(merge.push).length === 0) return { ours, theirs, base: merge.base, merge };
  const fold = foldAnswer(merge.base, merge.push, theirs, ours, policy);
  return { ours: { ...ours, ...fold.take }, theirs, base: fold.base, merge };
}
