/** How an answer leaves: whole, in drips, or as a proxy's. */

import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorBody, internalError, StripeError } from './errors';
import { API_VERSION } from './events';
import type { StoredAnswer } from './idempotency';
import type { Visit } from './visit';

export type Answer = { status: number; body: unknown; headers: Record<string, string>; replayed: boolean };

/** `chunkBytes` of the body at a time, `delayMs` between. */
export type Drip = { chunkBytes: number; delayMs: number };

export function replayOf(stored: StoredAnswer): Answer {
  return {
    status: stored.status,
    body: stored.body,
    headers: { 'idempotent-replayed': 'true', 'original-request': stored.requestId },
    replayed: true,
  };
}

/** @param error anything but a StripeError is our own bug: said on stderr, and answered as Stripe answers its own. */
export function refusalOf(error: unknown, visit: Visit, pageUrl: string): Answer {
  const known = error instanceof StripeError ? error : undefined;
  if (!known) process.stderr.write(`simulator: ${visit.method} ${visit.path}: ${String(error)}\n`);
  const fields = known?.fields ?? internalError().fields;
  return {
    status: fields.status,
    body: errorBody(fields, `${pageUrl}/?request=${visit.requestId}`),
    headers: fields.headers ?? {},
    replayed: false,
  };
}

export async function send(
  response: ServerResponse,
  visit: Visit,
  answer: Answer,
  drip?: Drip,
): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(answer.body, null, 2)}\n`);
  // The rest of a body that was too large is not read, so this connection cannot be used again.
  const close = answer.status === 413 ? { connection: 'close' } : {};
  response.writeHead(answer.status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-cache, no-store',
    'request-id': visit.requestId,
    'stripe-version': /^[\w.;=-]{1,100}$/.test(visit.version) ? visit.version : API_VERSION,
    ...(visit.key !== null && /^[\x20-\x7e]+$/.test(visit.key) ? { 'idempotency-key': visit.key } : {}),
    ...answer.headers,
    ...close,
  });
  if (drip) await sendInDrips(response, body, drip);
  else response.end(body);
}

async function sendInDrips(
  response: ServerResponse,
  body: Buffer,
  { chunkBytes, delayMs }: Drip,
): Promise<void> {
  for (let from = 0; from < body.length && !response.destroyed; from += chunkBytes) {
    if (from > 0) await sleep(delayMs, undefined, { ref: false });
    response.write(body.subarray(from, from + chunkBytes));
  }
  response.end();
}

const PROXY_PAGE =
  '<html>\n<head><title>504 Gateway Time-out</title></head>\n<body>504 Gateway Time-out</body>\n</html>\n';

/** Not Stripe's own: no Request-Id, no JSON. */
export function sendAsProxy(response: ServerResponse): void {
  response.writeHead(504, {
    'content-type': 'text/html',
    'content-length': Buffer.byteLength(PROXY_PAGE),
    connection: 'close',
  });
  response.end(PROXY_PAGE);
}
