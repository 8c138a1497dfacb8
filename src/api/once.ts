import { createHash } from 'node:crypto';
import type { Request } from 'express';
import type { Sql } from '../store/database';
import { find, keep, tryHold } from '../store/idempotencyKeys';
import type { Answer } from './answer';
import { callerOf } from './authorization';
import type { ApiDeps } from './deps';
import { Problem } from './problem';

/** Printable ASCII without quotes, commas and spaces; in quotes as the IETF draft has it, or bare as most clients send it. */
const KEY = /^(?:"([\x21\x23-\x2b\x2d-\x7e]{1,255})"|([\x21\x23-\x2b\x2d-\x7e]{1,255}))$/;
const RETRY_AFTER_S = 1;

function keyOf(request: Request): string | null {
  const header = request.get('idempotency-key');
  if (header === undefined) return null;
  const match = KEY.exec(header.trim());
  const key = match?.[1] ?? match?.[2];
  if (key !== undefined) return key;
  throw new Problem(
    'idempotency_key_malformed',
    'Send one key of 1 to 255 printable ASCII characters without spaces, quotes and commas, e.g. a UUID.',
  );
}

function hashOf(request: Request, input: unknown): Buffer {
  const { method } = request;
  const path = `${request.baseUrl}${request.path}`;
  return createHash('sha256')
    .update(JSON.stringify([method, path, input]))
    .digest();
}

/**
 * Runs `work` in one transaction, at most once per Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the
 * answer is kept with the work's own writes, for 24 h, and given again to the same request. What `work` throws is not
 * kept, so a refused request may be mended and sent again under its key.
 * @param input what the request asks for, already read; a key that comes back with another one is refused
 * @throws Problem 400 malformed key, 409 while the first request runs, 422 another request under the same key
 */
export async function once(
  deps: ApiDeps,
  request: Request,
  input: unknown,
  work: (sql: Sql) => Promise<Answer>,
): Promise<Answer> {
  const key = keyOf(request);
  if (key === null) return deps.database.transact(work);
  const owner = { caller: callerOf(request), key };
  const requestHash = hashOf(request, input);
  return deps.database.transact(async (sql) => {
    if (!(await tryHold(sql, owner))) {
      throw new Problem('idempotency_key_in_use', 'Its answer comes shortly: send the same request again.', {
        headers: { 'Retry-After': String(RETRY_AFTER_S) },
      });
    }
    const kept = await find(sql, owner);
    if (kept !== null) {
      if (!kept.requestHash.equals(requestHash)) {
        throw new Problem(
          'idempotency_key_reused',
          'The first request under it had another path, query or body. Use a new key for a new request.',
        );
      }
      const { status, body } = kept;
      return { status, headers: { ...kept.headers, 'Idempotent-Replayed': 'true' }, body };
    }
    const answer = await work(sql);
    await keep(sql, owner, { requestHash, ...answer });
    return answer;
  });
}
