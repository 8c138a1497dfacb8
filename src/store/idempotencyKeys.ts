/** Answers kept under the caller's Idempotency-Key, committed together with what they tell about. */
import type { Sql } from './database';

export interface KeyOwner {
  /** Who uses the key: a hash of the API key, '' when none is asked for. */
  readonly caller: string;
  readonly key: string;
}

export interface StoredAnswer {
  readonly requestHash: Buffer;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The answer's exact text; null when it had no body. */
  readonly body: string | null;
}

/** As the API promises; what is older counts as gone, and `housekeeping.ts` removes it. */
export const KEPT_HOURS = 24;

/** Holds the key until the transaction ends. @returns false when another transaction holds it now */
export async function tryHold(sql: Sql, owner: KeyOwner): Promise<boolean> {
  const { rows } = await sql.query<{ held: boolean }>(
    `select pg_try_advisory_xact_lock(hashtextextended('idempotency:' || $1 || ':' || $2, 0)) as held`,
    [owner.caller, owner.key],
  );
  return rows[0]?.held ?? false;
}

/** The answer kept under the key, or null; one older than 24 h counts as none. */
export async function find(sql: Sql, owner: KeyOwner): Promise<StoredAnswer | null> {
  const { rows } = await sql.query<{
    request_hash: Buffer;
    status: number;
    headers: Record<string, string>;
    body: string | null;
  }>(
    `select request_hash, status, headers, body from counterpart.idempotency_keys
     where caller = $1 and key = $2 and created_at > now() - interval '${KEPT_HOURS} hours'`,
    [owner.caller, owner.key],
  );
  const [row] = rows;
  return row === undefined
    ? null
    : { requestHash: row.request_hash, status: row.status, headers: row.headers, body: row.body };
}

/** The body goes in as one JSON string: as an object, jsonb would reorder its keys, and the replay would differ. */
export async function keep(sql: Sql, owner: KeyOwner, answer: StoredAnswer): Promise<void> {
  await sql.query(
    `insert into counterpart.idempotency_keys as k (caller, key, request_hash, status, headers, body)
     values ($1, $2, $3, $4, $5, to_jsonb($6::text))
     on conflict (caller, key) do update set request_hash = excluded.request_hash, status = excluded.status,
       headers = excluded.headers, body = excluded.body, created_at = now()`,
    [owner.caller, owner.key, answer.requestHash, answer.status, JSON.stringify(answer.headers), answer.body],
  );
}
