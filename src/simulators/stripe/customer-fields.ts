/**
 * Parameters of POST /v1/customers and POST /v1/customers/:id to checked field changes.
 * Limits and names: https://docs.stripe.com/api/customers/create
 */

import { badRequest, invalidEmail, notSimulated } from './errors';
import type { Params } from './form';
import { countChars, onlyKnown, plainString, readHash, readInteger, readList, readString } from './params';

export type Address = Record<(typeof ADDRESS_FIELDS)[number], string | null>;
export type Shipping = { address: Address; name: string; phone: string | null };

/** Fields a person or program may set. `metadata` maps a key to its new value, or to null to unset it. */
export type CustomerChange = {
  name?: string | null;
  email?: string | null;
  description?: string | null;
  phone?: string | null;
  business_name?: string | null;
  individual_name?: string | null;
  balance?: number;
  invoice_prefix?: string;
  next_invoice_sequence?: number;
  preferred_locales?: string[];
  tax_exempt?: 'none' | 'exempt' | 'reverse';
  address?: Address | null;
  shipping?: Shipping | null;
  metadata?: { kind: 'clear' } | { kind: 'merge'; values: Record<string, string | null> };
};

export const MAX_NAME_CHARS = 256;
export const MAX_EMAIL_CHARS = 512;
const MAX_DESCRIPTION_CHARS = 5_000;
const MAX_PHONE_CHARS = 20;
const MAX_BUSINESS_NAME_CHARS = 150;
const MAX_PLAIN_CHARS = 5_000;
export const MAX_METADATA_KEYS = 50;
const MAX_METADATA_KEY_CHARS = 40;
const MAX_METADATA_VALUE_CHARS = 500;
const MAX_LOCALES = 20;

const TEXT_FIELDS = ['name', 'email', 'description', 'phone', 'business_name', 'individual_name'] as const;
const TEXT_MAX_CHARS: Record<(typeof TEXT_FIELDS)[number], number> = {
  name: MAX_NAME_CHARS,
  email: MAX_EMAIL_CHARS,
  description: MAX_DESCRIPTION_CHARS,
  phone: MAX_PHONE_CHARS,
  business_name: MAX_BUSINESS_NAME_CHARS,
  individual_name: MAX_BUSINESS_NAME_CHARS,
};

const ADDRESS_FIELDS = ['city', 'country', 'line1', 'line2', 'postal_code', 'state'] as const;
const TAX_EXEMPT = ['none', 'exempt', 'reverse'] as const;

const SIMULATED = [
  'name',
  'email',
  'description',
  'phone',
  'business_name',
  'individual_name',
  'balance',
  'invoice_prefix',
  'next_invoice_sequence',
  'preferred_locales',
  'tax_exempt',
  'address',
  'shipping',
  'metadata',
  'expand',
];
/** Real parameters with effects this simulator does not have: refused aloud, never ignored silently. */
const NOT_SIMULATED = [
  'cash_balance',
  'default_source',
  'invoice_settings',
  'payment_method',
  'source',
  'tax',
  'tax_id_data',
  'test_clock',
];

/** @throws StripeError 400 for anything Stripe would refuse before it executes the request */
export function readCustomerChange(params: Params): CustomerChange {
  const refused = Object.keys(params).find((name) => NOT_SIMULATED.includes(name));
  if (refused !== undefined) throw notSimulated(refused);
  onlyKnown(params, SIMULATED);
  readList(params, 'expand', 20);
  const change: CustomerChange = {};
  readTexts(params, change);
  readNumbers(params, change);
  const locales = readList(params, 'preferred_locales', MAX_LOCALES);
  if (locales !== undefined) change.preferred_locales = locales;
  if (params['tax_exempt'] !== undefined) change.tax_exempt = readTaxExempt(params);
  const address = readHash(params, 'address');
  if (address !== undefined) change.address = address === '' ? null : toAddress(address, 'address');
  const shipping = readHash(params, 'shipping');
  if (shipping !== undefined) change.shipping = shipping === '' ? null : toShipping(shipping);
  const metadata = readHash(params, 'metadata');
  if (metadata !== undefined) change.metadata = toMetadata(metadata);
  return change;
}

function readTexts(params: Params, change: CustomerChange): void {
  for (const field of TEXT_FIELDS) {
    const value = readString(params, field, TEXT_MAX_CHARS[field]);
    if (value !== undefined) change[field] = value === '' ? null : value;
  }
  if (typeof change.email === 'string' && !isPlausibleEmail(change.email)) throw invalidEmail(change.email);
}

/** One @, something before it, a dot inside the domain, no white space or control character. */
function isPlausibleEmail(email: string): boolean {
  return /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/u.test(email) && !/\p{Cc}/u.test(email);
}

function readNumbers(params: Params, change: CustomerChange): void {
  const balance = readInteger(params, 'balance');
  if (balance !== undefined) change.balance = balance;
  const sequence = readInteger(params, 'next_invoice_sequence');
  if (sequence !== undefined) change.next_invoice_sequence = sequence;
  const prefix = readString(params, 'invoice_prefix', 12);
  if (prefix === undefined) return;
  if (!/^[A-Z0-9]{3,12}$/.test(prefix)) {
    throw badRequest(
      'Invalid invoice_prefix: 3 to 12 uppercase letters or numbers are allowed.',
      'invoice_prefix',
    );
  }
  change.invoice_prefix = prefix;
}

function readTaxExempt(params: Params): 'none' | 'exempt' | 'reverse' {
  const value = readString(params, 'tax_exempt', 20);
  if (value === '') return 'none';
  const known = TAX_EXEMPT.find((option) => option === value);
  if (known === undefined) {
    throw badRequest(
      `Invalid tax_exempt: must be one of ${TAX_EXEMPT.slice(0, 2).join(', ')}, or ${TAX_EXEMPT[2]}`,
      'tax_exempt',
    );
  }
  return known;
}

function toAddress(params: Params, param: string): Address {
  onlyKnown(params, ADDRESS_FIELDS);
  const read = (field: string): string | null => {
    const value = params[field];
    if (value === undefined || value === '') return null;
    return plainString(value, `${param}[${field}]`, MAX_PLAIN_CHARS);
  };
  return {
    city: read('city'),
    country: read('country'),
    line1: read('line1'),
    line2: read('line2'),
    postal_code: read('postal_code'),
    state: read('state'),
  };
}

function toShipping(params: Params): Shipping {
  onlyKnown(params, ['address', 'name', 'phone']);
  const address = readHash(params, 'address');
  const name = readString(params, 'name', MAX_PLAIN_CHARS);
  if (address === undefined || address === '') {
    throw badRequest('Missing required param: shipping[address].', 'shipping[address]', 'parameter_missing');
  }
  if (name === undefined || name === '') {
    throw badRequest('Missing required param: shipping[name].', 'shipping[name]', 'parameter_missing');
  }
  const phone = readString(params, 'phone', MAX_PHONE_CHARS);
  return {
    address: toAddress(address, 'shipping[address]'),
    name,
    phone: phone === undefined || phone === '' ? null : phone,
  };
}

/** Shared with webhook endpoints. Limits: https://docs.stripe.com/api/metadata */
export function toMetadata(params: Params | ''): NonNullable<CustomerChange['metadata']> {
  if (params === '') return { kind: 'clear' };
  const values: Record<string, string | null> = {};
  for (const [key, raw] of Object.entries(params)) {
    const value = plainString(raw, `metadata[${key.slice(0, MAX_METADATA_KEY_CHARS)}]`, Infinity);
    if (countChars(key) > MAX_METADATA_KEY_CHARS) {
      throw badRequest(
        `Metadata keys can have up to ${MAX_METADATA_KEY_CHARS} characters, but you passed in a key that is ${countChars(key)} characters. Invalid key: ${key.slice(0, 100)}`,
        'metadata',
      );
    }
    if (countChars(value) > MAX_METADATA_VALUE_CHARS) {
      throw badRequest(
        `Metadata values can have up to ${MAX_METADATA_VALUE_CHARS} characters, but you passed in a value that is ${countChars(value)} characters. Invalid value: ${value.slice(0, 100)}`,
        `metadata[${key}]`,
      );
    }
    Object.defineProperty(values, key, {
      value: value === '' ? null : value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return { kind: 'merge', values };
}

/** @throws StripeError 400 when more than 50 keys would remain */
export function mergeMetadata(
  current: Record<string, string>,
  change: NonNullable<CustomerChange['metadata']>,
): Record<string, string> {
  if (change.kind === 'clear') return {};
  const merged = new Map(Object.entries(current));
  for (const [key, value] of Object.entries(change.values)) {
    if (value === null) merged.delete(key);
    else merged.set(key, value);
  }
  if (merged.size > MAX_METADATA_KEYS) {
    throw badRequest(
      `Metadata can have up to ${MAX_METADATA_KEYS} keys, this would leave ${merged.size}.`,
      'metadata',
    );
  }
  return Object.fromEntries(merged);
}
