import express from 'express';
import type { Request, Response } from 'express';
import { Problem } from './problem';

/** Customers are two short texts; 64 KiB leaves room for whatever escapes a client uses. */
const BODY_MAX_BYTES = 64 * 1024;

/** `application/json` in the answers' and requests' sense. */
export const JSON_TYPES = ['application/json'] as const;
/** RFC 7396; plain JSON is taken as a merge patch as well. */
export const PATCH_TYPES = ['application/merge-patch+json', 'application/json'] as const;

const readRaw = express.raw({ type: () => true, limit: BODY_MAX_BYTES });

function readBytes(request: Request, response: Response): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    readRaw(request, response, (error?: unknown) => {
      if (error === undefined) resolve(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
      // The body reader's errors carry the status to answer with; the API's error handler reads it.
      else reject(error);
    });
  });
}

function hasBody(request: Request): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function checkMediaType(request: Request, accepted: readonly string[]): void {
  const [name = '', ...parameters] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters.map((text) => text.trim()).find((text) => text.startsWith('charset='));
  const utf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  if (utf8 && accepted.includes(name.trim())) return;
  const header = request.method === 'PATCH' ? 'Accept-Patch' : 'Accept-Post';
  throw new Problem('media_type', `Send ${accepted.join(' or ')} in UTF-8.`, {
    headers: { [header]: accepted.join(', ') },
  });
}

function parse(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Problem('body_malformed', 'The body is not valid UTF-8. Encode it as UTF-8 and send it again.');
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message is left out: it quotes the text around the mistake, which may be personal data.
    throw new Problem(
      'body_malformed',
      'The body is not valid JSON. Check its quotes and commas: a shell may have taken some away.',
    );
  }
}

/**
 * The body as JSON of any shape.
 * @throws Problem 400 missing or malformed, 413 over 64 KiB (unpacked), 415 another type, charset or encoding
 */
export async function readJson(
  request: Request,
  response: Response,
  accepted: readonly string[] = JSON_TYPES,
): Promise<unknown> {
  if (!hasBody(request)) throw new Problem('body_missing', `Send a JSON object as ${accepted[0]}.`);
  checkMediaType(request, accepted);
  const bytes = await readBytes(request, response);
  if (bytes.length === 0) throw new Problem('body_missing', `Send a JSON object as ${accepted[0]}.`);
  return parse(bytes);
}

/** As `readJson`, for requests that mean something without a body too. @returns undefined when there is none */
export async function readOptionalJson(request: Request, response: Response): Promise<unknown> {
  return hasBody(request) ? readJson(request, response) : undefined;
}
