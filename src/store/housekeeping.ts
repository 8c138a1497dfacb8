/** Bounded retention: what is remembered for a while only. Links, tombstones and conflicts are kept. */
import type { Sql } from './database';

/** Stripe lists events for 30 days (docs.stripe.com/api/events); a few days more keep every one of them recognised. */
const EVENTS_KEPT_DAYS = 35;
/** Late echoes are compared with ended intents; an event older than the list can no longer arrive. */
const INTENTS_KEPT_DAYS = 35;
const IDEMPOTENCY_KEYS_KEPT_HOURS = 24;
/** Rows of one statement, so that none holds locks for long. */
const BATCH_ROWS = 5_000;

const STATEMENTS = [
  `delete from counterpart.events where ctid = any(array(
     select ctid from counterpart.events where received_at < now() - interval '${EVENTS_KEPT_DAYS} days' limit ${BATCH_ROWS}))`,
  `delete from counterpart.intents where ctid = any(array(
     select ctid from counterpart.intents where ended_at < now() - interval '${INTENTS_KEPT_DAYS} days' limit ${BATCH_ROWS}))`,
  `delete from counterpart.idempotency_keys where ctid = any(array(
     select ctid from counterpart.idempotency_keys
     where created_at < now() - interval '${IDEMPOTENCY_KEYS_KEPT_HOURS} hours' limit ${BATCH_ROWS}))`,
];

/** Removes one batch of each. @returns the number of rows removed; call again while it is not 0 */
export async function removeExpired(sql: Sql): Promise<number> {
  let removed = 0;
  for (const statement of STATEMENTS) removed += (await sql.query(statement)).rowCount ?? 0;
  return removed;
}
