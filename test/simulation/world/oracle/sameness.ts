/** When two values are the same, for an oracle: in the catalog's canonical form, or in a system's form of it. */
import { CUSTOMER } from '../../../../src/catalogs/customer/customer';
import type { Fields, FieldValue } from '../../../../src/core/fields';
import { formed } from '../forms';
import type { Form } from '../plan';

export const FIELDS = Object.keys(CUSTOMER.fields);

const KNOWN_MAX = 4_096;
const known = new Map<string, FieldValue>();

/** Few values are asked about very often, and Unicode normalisation is what an oracle would spend its time with. */
export function canonical(field: string, value: FieldValue | undefined): FieldValue {
  if (typeof value !== 'string') return value ?? null;
  const name = `${field} ${value}`;
  const found = known.get(name);
  if (found !== undefined) return found;
  const made = CUSTOMER.fields[field]?.canonical(value) ?? null;
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(name, made);
  return made;
}

export function alike(field: string, a: FieldValue | undefined, b: FieldValue | undefined): boolean {
  return a === b || canonical(field, a) === canonical(field, b);
}

export function isBlank(field: string, value: FieldValue | undefined): boolean {
  return canonical(field, value) === null;
}

/** Whether `there` is what a system of this form makes of `here`. */
export function standsFor(form: Form, field: string, here: FieldValue, there: FieldValue): boolean {
  return alike(field, here, there) || alike(field, formed(form, field, here), there);
}

/** Fields in which the two differ. */
export function differing(here: Fields, there: Fields): string[] {
  return FIELDS.filter((field) => !alike(field, here[field], there[field]));
}

export function quoted(value: FieldValue | undefined): string {
  return value === null || value === undefined ? 'nothing' : JSON.stringify(value);
}
