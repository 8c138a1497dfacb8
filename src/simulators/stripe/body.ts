/** Reads a request body, up to a bound, and decides what its parameters are. */

import type { IncomingMessage } from 'node:http';
import { badRequest, bodyTooLarge } from './errors';
import { decodeUtf8, parseForm, type Params } from './form';

export const MAX_BODY_BYTES = 1_048_576;

/** Read and thrown away beyond the bound, so that the client, still sending, gets to read its 413. */
const MAX_DISCARDED_BYTES = 32 * 1_048_576;

/** The client went away before its request was whole. Nobody is there to be answered. */
export class ClientGone extends Error {}

/** @throws StripeError 413 beyond the bound; ClientGone */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else chunks.length = 0;
      if (size > MAX_DISCARDED_BYTES) request.destroy();
    });
    request.on('end', () => {
      if (size > MAX_BODY_BYTES) reject(bodyTooLarge(MAX_BODY_BYTES));
      else resolve(Buffer.concat(chunks));
    });
    request.on('close', () => reject(new ClientGone()));
  });
}

/** Body parameters for POST and DELETE, query parameters otherwise (and in addition). */
export function readParams(request: IncomingMessage, body: Buffer): Params {
  const url = request.url ?? '/';
  const question = url.indexOf('?');
  const query = question < 0 ? '' : url.slice(question + 1);
  if (body.length === 0) return parseForm(query);
  const type = (request.headers['content-type'] ?? 'application/x-www-form-urlencoded').split(';')[0]?.trim();
  if (type?.toLowerCase() !== 'application/x-www-form-urlencoded') {
    throw badRequest(
      `Invalid request (check that your POST content type is application/x-www-form-urlencoded, not ${type}).`,
    );
  }
  const text = decodeUtf8(body);
  return parseForm(query === '' ? text : `${query}&${text}`);
}
