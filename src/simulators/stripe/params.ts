/** Typed reads of parsed parameters. Each reader answers `undefined` when the parameter is absent. */

import { badRequest, invalidInteger, tooLong, unknownParameter } from './errors';
import type { Param, Params } from './form';

/** @throws StripeError 400 parameter_unknown, naming the first parameter that is not in `known` */
export function onlyKnown(params: Params, known: readonly string[]): void {
  for (const name of Object.keys(params)) {
    if (!known.includes(name)) throw unknownParameter(name);
  }
}

/** Lengths are counted in characters (code points), not in UTF-16 units. */
export function readString(params: Params, name: string, maxChars: number): string | undefined {
  const value = params[name];
  if (value === undefined) return undefined;
  return plainString(value, name, maxChars);
}

export function plainString(value: Param, name: string, maxChars: number): string {
  if (typeof value !== 'string') throw badRequest(`Invalid string: ${name} must be a plain value`, name);
  if (value.length > maxChars && countChars(value) > maxChars) throw tooLong(value, name, maxChars);
  return value;
}

/** In characters (code points), as limits are counted. */
export function countChars(text: string): number {
  return Array.from(text).length;
}

export function readInteger(params: Params, name: string): number | undefined {
  const value = params[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^-?\d{1,15}$/.test(value)) throw invalidInteger(asText(value), name);
  return Number(value);
}

export function readBoolean(params: Params, name: string): boolean | undefined {
  const value = params[name];
  if (value === undefined) return undefined;
  if (value === 'true') return true;
  if (value === 'false') return false;
  throw badRequest(`Invalid boolean: ${asText(value)}`, name);
}

/** `a[]=x&a[]=y` and `a[0]=x&a[1]=y` both mean a list. */
export function readList(params: Params, name: string, maxItems: number): string[] | undefined {
  const value = params[name];
  if (value === undefined) return undefined;
  if (value === '') return [];
  if (typeof value === 'string') throw badRequest('Invalid array', name);
  const items: Param[] = Array.isArray(value) ? value : Object.values(inSequence(value, name));
  if (items.length > maxItems) throw badRequest(`Invalid array: at most ${maxItems} elements`, name);
  return items.map((item, i) => plainString(item, `${name}[${i}]`, MAX_LIST_ITEM_CHARS));
}

const MAX_LIST_ITEM_CHARS = 500;

function inSequence(hash: Params, name: string): Params {
  const broken = Object.keys(hash).findIndex((key, i) => key !== String(i));
  if (broken >= 0) throw badRequest(`Invalid array: keys must be numeric and sequential from 0`, name);
  return hash;
}

/** @returns the nested parameters, or '' when the caller unsets the whole hash */
export function readHash(params: Params, name: string): Params | '' | undefined {
  const value = params[name];
  if (value === undefined || value === '') return value;
  if (typeof value === 'string' || Array.isArray(value)) throw badRequest('Invalid hash', name);
  return value;
}

export type CreatedFilter = (createdSeconds: number) => boolean;

/** `created=5` or `created[gt|gte|lt|lte]=5`, in seconds since 1970. */
export function readCreated(params: Params): CreatedFilter {
  const value = params['created'];
  if (value === undefined) return () => true;
  if (typeof value === 'string') {
    const exact = readInteger(params, 'created');
    return (created) => created === exact;
  }
  const range = readHash(params, 'created');
  if (range === undefined || range === '') return () => true;
  for (const bound of Object.keys(range)) {
    if (!['gt', 'gte', 'lt', 'lte'].includes(bound)) throw unknownParameter(`created[${bound}]`);
  }
  const gt = readInteger(range, 'gt') ?? -Infinity;
  const gte = readInteger(range, 'gte') ?? -Infinity;
  const lt = readInteger(range, 'lt') ?? Infinity;
  const lte = readInteger(range, 'lte') ?? Infinity;
  return (created) => created > gt && created >= gte && created < lt && created <= lte;
}

function asText(value: Param): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
