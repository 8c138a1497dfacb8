/** What a look writes on its link: fenced, so that a stalled older attempt writes nothing. */
import type { Base } from '../core/fields';
import type { RemoteId } from '../core/ids';
import type { FieldSwings } from '../core/pingPong';
import type { Reason } from '../core/reason';
import type { Sql } from './database';
import type { Refused } from './intents';
import type { LinkState, Outcome } from './links';
import { often } from './prepared';

/** What a look may write on its link. A missing key leaves the column as it is. */
export interface LinkPatch {
  readonly state?: LinkState;
  readonly remoteId?: RemoteId;
  readonly base?: Base;
  readonly swings?: FieldSwings;
  readonly refused?: Refused | null;
  readonly agreedVersion?: number;
  readonly outcome?: Outcome;
  readonly reason?: Reason | null;
  /** `what` as in a step's result; `requestId` of the reading it was made on. */
  readonly decision?: { readonly what: string; readonly requestId: string | null };
  readonly detached?: boolean;
  readonly possibleDuplicate?: boolean;
  readonly remoteDeleted?: true;
  readonly synced?: true;
  readonly waits?: number;
}

const SETTERS: Record<keyof LinkPatch, (at: string) => string> = {
  state: (at) => `state = ${at}::text`,
  remoteId: (at) => `remote_id = ${at}::text`,
  base: (at) => `base = ${at}::jsonb`,
  swings: (at) => `swings = ${at}::jsonb`,
  refused: (at) => `refused = nullif(${at}::jsonb, 'null')`,
  agreedVersion: (at) => `agreed_version = ${at}::bigint`,
  outcome: (at) => `outcome = ${at}::text`,
  // the clock of a reason starts when its code first appears, not at every look that finds it again
  reason: (at) => `reason_since = case when ${at}::jsonb is null or ${at}::jsonb = 'null' then null
      when reason ->> 'code' is not distinct from ${at}::jsonb ->> 'code' then coalesce(reason_since, now()) else now() end,
    reason = nullif(${at}::jsonb, 'null')`,
  // with the attempt that made it: the same decision made again is another decision
  decision: (at) => `decision = ${at}::jsonb || jsonb_build_object('fence', $2::bigint)`,
  detached: (at) => `detached = ${at}::boolean`,
  possibleDuplicate: (at) => `possible_duplicate = ${at}::boolean`,
  remoteDeleted: (at) =>
    `remote_deleted_at = case when ${at}::boolean then coalesce(remote_deleted_at, now()) end`,
  synced: (at) => `last_synced_at = case when ${at}::boolean then now() end`,
  waits: (at) => `waits = ${at}::integer`,
};

const JSON_COLUMNS: ReadonlySet<string> = new Set(['base', 'swings', 'refused', 'reason', 'decision']);

/** Writes the result of a step. @returns false when a newer attempt has taken the fence: nothing was written */
export async function writeFenced(
  sql: Sql,
  linkId: number,
  fence: number,
  patch: LinkPatch,
): Promise<boolean> {
  const entries = Object.entries(patch) as Array<[keyof LinkPatch, unknown]>;
  const sets = entries.map(([key], i) => SETTERS[key](`$${i + 3}`));
  const values = entries.map(([key, value]) => (JSON_COLUMNS.has(key) ? JSON.stringify(value) : value));
  const { rowCount } = await sql.query(
    often(`update counterpart.links set ${sets.join(', ')} where id = $1 and fence = $2`),
    [linkId, fence, ...values],
  );
  return rowCount === 1;
}

/**
 * Marks what a look could not finish, after its attempts are used up. Fenced by the look, as no attempt is running.
 * @returns how many looks in a row left it unfinished; 0 when a newer look has the link, or an attempt whose answer was lost has
 * ended it
 */
export async function markUnfinished(
  sql: Sql,
  linkId: number,
  lookId: number,
  unfinished: { outcome: 'waiting' | 'paused' | 'parked'; reason: Reason },
): Promise<number> {
  const { rows } = await sql.query<{ waits: number }>(
    `update counterpart.links set outcome = $3, waits = waits + 1, reason = $4::jsonb,
       reason_since = case when reason ->> 'code' = $4::jsonb ->> 'code' then coalesce(reason_since, now()) else now() end
     where id = $1 and look_id = $2 and state in ('reserved', 'linked', 'deleting') returning waits`,
    [linkId, lookId, unfinished.outcome, JSON.stringify(unfinished.reason)],
  );
  return rows[0]?.waits ?? 0;
}
