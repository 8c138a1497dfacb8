import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { Problem } from './problem';

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

const callers = new WeakMap<Request, string>();

/** Who sent the request: a hash of the API key, '' when none is asked for. */
export function callerOf(request: Request): string {
  return callers.get(request) ?? '';
}

/** Asks for `Authorization: Bearer <one of the keys>`; with no keys everybody is let in. */
export function authorize(apiKeys: readonly string[]): RequestHandler {
  const known = apiKeys.map(digest);
  return (request, _response, next) => {
    if (known.length === 0) return next();
    const token = /^Bearer +([^\s]+) *$/i.exec(request.get('authorization') ?? '')?.[1];
    const given = digest(token ?? '');
    // Every key is compared, and hashes of one length are: the time tells nothing about any of them.
    const matches = known.filter((key) => timingSafeEqual(key, given)).length;
    if (token === undefined || matches === 0) {
      const wrong = token === undefined ? '' : ', error="invalid_token"';
      throw new Problem('unauthorized', 'Send `Authorization: Bearer <API key>`; the keys are in API_KEYS.', {
        headers: { 'WWW-Authenticate': `Bearer realm="counterpart"${wrong}` },
      });
    }
    callers.set(request, given.toString('hex'));
    return next();
  };
}
