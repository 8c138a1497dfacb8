/**
 * Form-encoded bodies and query strings to nested parameters: `metadata[k]=v`, `expand[]=a`, `expand[0]=a`.
 * Objects have no prototype, so a parameter may have any name. Refuses what Stripe refuses, with a 400.
 */

import { badRequest } from './errors';

export type Param = string | Param[] | Params;
export type Params = { [name: string]: Param };

const MAX_PARAMS = 1_000;
const MAX_DEPTH = 8;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws StripeError 400 when the bytes are not UTF-8 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw Object.assign(badRequest('Invalid UTF-8 in the request body.'), { cause });
  }
}

/** @throws StripeError 400 for broken escapes, NUL characters, conflicting or too many parameters */
export function parseForm(text: string): Params {
  const root: Params = emptyParams();
  if (text === '') return root;
  const pairs = text.split('&', MAX_PARAMS + 1);
  if (pairs.length > MAX_PARAMS) throw badRequest(`Received more than ${MAX_PARAMS} parameters.`);
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = unescape(equals < 0 ? pair : pair.slice(0, equals));
    const value = unescape(equals < 0 ? '' : pair.slice(equals + 1));
    put(root, pathOf(name), value, name);
  }
  return root;
}

export function emptyParams(): Params {
  const params: Params = Object.create(null);
  return params;
}

/** `a[b][]` -> ['a', 'b', ''] */
function pathOf(name: string): string[] {
  const open = name.indexOf('[');
  if (open < 0) return [name];
  const rest = name.slice(open);
  if (open === 0 || !/^(\[[^[\]]*\])+$/.test(rest)) {
    throw badRequest(`Invalid parameter name: ${name.slice(0, 100)}`);
  }
  const path = [name.slice(0, open), ...rest.slice(1, -1).split('][')];
  if (path.length > MAX_DEPTH) throw badRequest(`Parameters are nested more than ${MAX_DEPTH} deep.`);
  return path;
}

function put(root: Params, path: string[], value: string, fullName: string): void {
  let node: Params | Param[] = root;
  for (const [depth, segment] of path.entries()) {
    const last = depth === path.length - 1;
    const next: Param = last ? value : path[depth + 1] === '' ? [] : emptyParams();
    if (Array.isArray(node)) {
      if (segment !== '') throw conflicting(fullName);
      node.push(next);
      if (typeof next === 'string') return;
      node = next;
      continue;
    }
    if (segment === '' && depth > 0) throw conflicting(fullName);
    const existing: Param | undefined = node[segment];
    if (last) {
      // A name given twice keeps its last value; a hash and a plain value under one name contradict.
      if (existing !== undefined && typeof existing !== 'string') throw conflicting(fullName);
      node[segment] = value;
      return;
    }
    const inner = existing ?? next;
    if (typeof inner === 'string' || Array.isArray(inner) !== Array.isArray(next))
      throw conflicting(fullName);
    node[segment] = inner;
    node = inner;
  }
}

const conflicting = (name: string) =>
  badRequest(`Invalid parameter: ${name.slice(0, 100)} contradicts another.`);

function unescape(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw Object.assign(badRequest('Invalid percent-encoding in the request parameters.'), { cause });
  }
  if (decoded.includes('\0')) throw badRequest('A parameter contains a NUL character.');
  return decoded;
}
