/** What a remote makes of values, and which it refuses. */
import type { Fields, FieldValue } from '../../../src/core/fields';
import { REFUSED } from './plan';
import type { Form } from './plan';

const SHORT_CHARS = 12;

/** Idempotent, like the rules of any one system. */
export function formed(form: Form, field: string, value: FieldValue): FieldValue {
  if (typeof value !== 'string' || form === 'as written') return value;
  if (form === 'drops names') return field === 'name' ? null : value;
  if (form === 'shortens names') return field === 'name' ? value.trim().slice(0, SHORT_CHARS).trim() : value;
  const text = value.trim();
  return field === 'email' ? text.toLowerCase() : text;
}

export function formOf(form: Form): (values: Fields) => Fields {
  if (form === 'as written') return (values) => values;
  return (values) =>
    Object.fromEntries(Object.entries(values).map(([field, value]) => [field, formed(form, field, value)]));
}

/** The name of a field whose value is refused, or null. */
export function refusedField(values: Fields): string | null {
  for (const [field, value] of Object.entries(values)) {
    if (typeof value === 'string' && value.includes(REFUSED)) return field;
  }
  return null;
}
