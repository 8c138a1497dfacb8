/** The fields of the simulated catalog: the customer's own two with their real canonical forms, and one compared as it is. */
import fc from 'fast-check';
import { CUSTOMER } from '../../../src/catalogs/customer/customer';
import type { ConflictPolicy, Fields, FieldRule, FieldValue, Policy } from '../../../src/core/fields';

export const FIELDS = ['name', 'email', 'plan'] as const;
export type FieldName = (typeof FIELDS)[number];

function customerForm(field: 'name' | 'email'): FieldRule['canonical'] {
  const known = CUSTOMER.fields[field];
  if (known === undefined) throw new Error(`The customer has no field ${field} any more`);
  return known.canonical;
}

export const CANONICAL: Record<FieldName, FieldRule['canonical']> = {
  name: customerForm('name'),
  email: customerForm('email'),
  // what a number, a flag or a code would be compared by; catches whoever takes 0 or false for no value
  plan: (value) => value,
};

/**
 * Few values, so that sides often agree; each with all the ways in which it can be written: blanks, case (which counts in
 * a name and not in an e-mail), composed and decomposed letters, null and empty.
 */
export const WRITINGS: Record<FieldName, ReadonlyArray<readonly [FieldValue, ...FieldValue[]]>> = {
  name: [
    [null, '', '  ', '\u00a0'],
    ['Ren\u00e9', 'Rene\u0301', ' Ren\u00e9 '],
    ['ren\u00e9', 'rene\u0301\n'],
    ['Ann', ' Ann', 'Ann\t'],
    ['Bob'],
  ],
  email: [
    [null, '', ' '],
    ['ren\u00e9@x.io', 'RENE\u0301@X.IO', ' Ren\u00e9@x.io'],
    ['ann@x.io', 'Ann@X.io', 'ann@x.io '],
    ['bob@x.io', 'BOB@x.io'],
    ['cy@x.io'],
  ],
  plan: [[null], [0], [1], [false], [true], ['1'], ['']],
};

export const VALUES: Record<FieldName, readonly FieldValue[]> = {
  name: WRITINGS.name.flat(),
  email: WRITINGS.email.flat(),
  plan: WRITINGS.plan.flat(),
};

export function form(field: string, value: FieldValue | undefined): FieldValue {
  return CANONICAL[field as FieldName](value ?? null);
}

export function alike(field: string, a: FieldValue | undefined, b: FieldValue | undefined): boolean {
  return form(field, a) === form(field, b);
}

/** The same value, written in the next way there is. */
export function rewritten(field: FieldName, value: FieldValue | undefined): FieldValue {
  const ways = WRITINGS[field].find((one) => one.includes(value ?? null));
  if (ways === undefined) return value ?? null;
  return ways[(ways.indexOf(value ?? null) + 1) % ways.length] ?? null;
}

export function rewrittenAll(fields: Fields): Fields {
  return Object.fromEntries(FIELDS.map((field) => [field, rewritten(field, fields[field])]));
}

export function formOf(fields: Fields): Fields {
  return Object.fromEntries(FIELDS.map((field) => [field, form(field, fields[field])]));
}

export function policyOf(
  onConflict: Readonly<Record<FieldName, ConflictPolicy>>,
  onDelete: Policy['onDelete'],
): Policy {
  const rule = (field: FieldName) => ({ canonical: CANONICAL[field], onConflict: onConflict[field] });
  return {
    fields: Object.fromEntries(FIELDS.map((field) => [field, rule(field)])),
    onDelete,
  };
}

/** A policy with its answers in the open, so that a failing case can be read. */
export interface Rules {
  readonly onConflict: Readonly<Record<FieldName, ConflictPolicy>>;
  readonly onDelete: Policy['onDelete'];
}

export function anyRules(...answers: readonly [ConflictPolicy, ...ConflictPolicy[]]): fc.Arbitrary<Rules> {
  const answer = fc.constantFrom(...answers);
  return fc.record({
    onConflict: fc.record({ name: answer, email: answer, plan: answer }),
    onDelete: fc.constantFrom<Policy['onDelete']>('propagate', 'propagate', 'propagate', 'detach'),
  });
}
