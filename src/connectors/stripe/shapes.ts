import { createHash } from 'node:crypto';
import { CUSTOMER } from '../../catalogs/customer/customer';
import { markName } from '../connector';
import { parseRecordId, parseRemoteId } from '../../core/ids';
import type { RemoteObject } from '../connector';
import type { Fields, FieldValue } from '../../core/fields';
import type { InstallationId, RecordId } from '../../core/ids';

/** Bodies come from a server we do not run: they are read member by member and believed only in the shapes named here. */
export type Json = Readonly<Record<string, unknown>>;

/** The synced fields have the same names in Stripe's customer (docs.stripe.com/api/customers/object). */
export const CUSTOMER_FIELDS: readonly string[] = Object.keys(CUSTOMER.fields);

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A Stripe customer, whole or the stub `{id, object, deleted: true}` that stands for a deleted one. */
export interface CustomerShape {
  readonly object: RemoteObject;
  readonly deleted: boolean;
}

/** @returns null when it is not a customer with a usable id. */
export function customerShape(body: unknown, installation: InstallationId): CustomerShape | null {
  if (!isJson(body) || body['object'] !== 'customer' || typeof body['id'] !== 'string') return null;
  const remoteId = parseRemoteId(body['id']);
  if (remoteId === null) return null;
  const object = { remoteId, fields: fieldsOf(body), claims: claimsOf(body, installation) };
  return { object, deleted: body['deleted'] === true };
}

/** Every synced field; absent ones are null. */
export function fieldsOf(body: Json): Fields {
  return Object.fromEntries(CUSTOMER_FIELDS.map((field) => [field, textOrNull(body[field])]));
}

/** The synced fields that `body` names, so that "was null" and "is not mentioned" stay different. */
export function fieldsNamedIn(body: Json): Fields {
  const named = CUSTOMER_FIELDS.filter((field) => Object.hasOwn(body, field));
  return Object.fromEntries(named.map((field) => [field, textOrNull(body[field])]));
}

/** The record named by our own mark; null when there is none or it is no record id. Other installations' are not read. */
export function claimsOf(body: Json, installation: InstallationId): RecordId | null {
  const metadata = body['metadata'];
  if (!isJson(metadata)) return null;
  const mark = metadata[markName(installation)];
  return typeof mark === 'string' ? parseRecordId(mark) : null;
}

function textOrNull(value: unknown): FieldValue {
  return typeof value === 'string' ? value : null;
}

/** One page of any of Stripe's lists (docs.stripe.com/api/pagination). @returns null when it is not a list. */
export function pageShape(body: unknown): { data: readonly unknown[]; hasMore: boolean } | null {
  if (!isJson(body) || !Array.isArray(body['data']) || typeof body['has_more'] !== 'boolean') return null;
  return { data: body['data'], hasMore: body['has_more'] };
}

/** What we name things by: no longer than we store, and nothing in it that Postgres does not hold. */
const NAME = /^[^\s\0\p{Surrogate}]{1,255}$/u;

/**
 * The items of a list, and names of those that cannot be read: one bad item keeps no good one waiting. Where none can be read
 * the server shows something else than the list.
 */
export function readItems<T>(
  data: readonly unknown[],
  read: (item: unknown) => T | null,
): { items: readonly T[]; unreadable: readonly string[] } | null {
  const items: T[] = [];
  const unreadable: string[] = [];
  for (const one of data) {
    const item = read(one);
    if (item === null) unreadable.push(nameOf(one));
    else items.push(item);
  }
  return items.length === 0 && unreadable.length > 0 ? null : { items, unreadable };
}

function nameOf(item: unknown): string {
  if (isJson(item) && typeof item['id'] === 'string' && NAME.test(item['id'])) return item['id'];
  return `unreadable_${createHash('sha256').update(JSON.stringify(item)).digest('hex').slice(0, 16)}`;
}
