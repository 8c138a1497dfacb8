import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { parseRecordId } from '../core/ids';
import { Problem } from './problem';

/** On every answer. No script, style or frame may come of JSON; nothing is kept by caches. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const;

/** Names the request (an id from outside is never taken over) and sets the headers of every answer. */
export const nameRequest: RequestHandler = (_request, response, next) => {
  response.setHeader('Request-Id', `req_${randomUUID()}`);
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  next();
};

/**
 * One line per request. The address itself is left out: its query may hold an e-mail, and a mistyped path anything; the
 * route's pattern and a well-formed record id say enough.
 */
export function logRequests(log: Logger): RequestHandler {
  return (request, response, next) => {
    const startedMs = performance.now();
    response.once('close', () => {
      const { route } = request as { route?: { path: unknown } };
      // From the address: Express has put `params` away again where a request ended in the error handler.
      const id = parseRecordId(request.originalUrl.split(/[/?]/)[2] ?? '');
      log.info(
        {
          request_id: response.getHeader('Request-Id'),
          method: request.method,
          route: typeof route?.path === 'string' ? route.path : null,
          ...(id === null ? {} : { record_id: id }),
          status: response.statusCode,
          ms: Math.round((performance.now() - startedMs) * 10) / 10,
          ...(response.writableFinished ? {} : { broken_off: true }),
        },
        'request',
      );
    });
    next();
  };
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/**
 * Keeps web pages of other sites out. A browser sends a page's plain POST here without asking, and lets a page whose own
 * name was pointed at 127.0.0.1 read the answers (DNS rebinding). Programs send none of these headers.
 * @param open true when no API key is asked for; then only loopback names are served
 */
export function refuseOtherSites(open: boolean): RequestHandler {
  return (request, _response, next) => {
    if (open && !LOOPBACK.test(request.get('host') ?? '')) {
      throw new Problem(
        'host_refused',
        'Without API_KEYS only localhost is served. Set API_KEYS to use another name.',
      );
    }
    const site = request.get('sec-fetch-site');
    const safe = request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS';
    if (!safe && (site === 'cross-site' || site === 'same-site')) {
      throw new Problem(
        'cross_site',
        'Send the request from a program, or from a page served by this very address.',
      );
    }
    next();
  };
}
