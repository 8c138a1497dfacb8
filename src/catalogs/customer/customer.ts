import type { Catalog } from '../catalog';
import type { FieldValue } from '../../core/fields';
import { parseCatalogName, trusted } from '../../core/ids';

/**
 * Stripe's limits, so that what Stripe would refuse is refused here with a reason: name at most 256 characters, e-mail
 * at most 512 (docs.stripe.com/api/customers/create).
 */
export const NAME_MAX_CHARS = 256;
export const EMAIL_MAX_CHARS = 512;

/** Trimmed, Unicode NFC; the empty text is no value. */
export function canonicalName(value: FieldValue): FieldValue {
  if (typeof value !== 'string') return value;
  const text = value.normalize('NFC').trim();
  return text === '' ? null : text;
}

/** Trimmed, Unicode NFC, lower case; the empty text is no value. Nothing specific to a mail provider (no dots, no plus). */
export function canonicalEmail(value: FieldValue): FieldValue {
  const name = canonicalName(value);
  // Lower-casing can leave NFC (e.g. U+0130 becomes two code points), so it is normalised again: the form is a fixed point.
  return typeof name === 'string' ? name.toLowerCase().normalize('NFC') : name;
}

export const CUSTOMER: Catalog = {
  name: trusted(parseCatalogName('customer'), 'catalog name'),
  table: 'customers',
  fields: {
    name: { canonical: canonicalName, sent: canonicalName, personal: true, maxChars: NAME_MAX_CHARS },
    // its case is its owner's
    email: { canonical: canonicalEmail, sent: canonicalName, personal: true, maxChars: EMAIL_MAX_CHARS },
  },
  recognisedBy: 'email',
};
