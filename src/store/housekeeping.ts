/** Bounded retention: what is remembered for a while only. Links, tombstones and conflicts are kept. */
import type { Sql } from './database';
import { KEPT_HOURS } from './idempotencyKeys';

/** Stripe lists events for 30 days (docs.stripe.com/api/events); a few days more keep every one of them recognised. */
const EVENTS_KEPT_DAYS = 35;
/** Late echoes are compared with ended intents; an event older than the list can no longer arrive. */
const INTENTS_KEPT_DAYS = 35;
/** As long as anybody may still ask what a sweep found. The sweeps themselves are a row a night, and are kept. */
const FINDINGS_KEPT_DAYS = 35;
/** Longer than any window of the guard, and than any outage after which an allowed deletion should not be asked about again. */
const PASSES_KEPT_DAYS = 35;
/** As long as events, which its entries tell of. It holds earlier values of personal fields: no longer than is of use. */
const TIMELINE_KEPT_DAYS = 35;
/** Of one record: about 60 changes that were synced. A record that rewrites itself all day has no longer a story to tell. */
export const TIMELINE_KEPT_ENTRIES = 500;
/**
 * Counting all entries of all records takes too long every hour (a million: 8 s). Only records with at least this many in the
 * last hours are counted; a longer time than the pause between two calls. What happens more seldom goes after its days.
 */
const TIMELINE_BUSY = { hours: 3, entries: 20 };
/** Rows of one statement, so that none holds locks for long. */
const BATCH_ROWS = 5_000;

const STATEMENTS = [
  `delete from counterpart.events where ctid = any(array(
     select ctid from counterpart.events where received_at < now() - interval '${EVENTS_KEPT_DAYS} days' limit ${BATCH_ROWS}))`,
  `delete from counterpart.intents where ctid = any(array(
     select ctid from counterpart.intents where ended_at < now() - interval '${INTENTS_KEPT_DAYS} days' limit ${BATCH_ROWS}))`,
  `delete from counterpart.idempotency_keys where ctid = any(array(
     select ctid from counterpart.idempotency_keys
     where created_at < now() - interval '${KEPT_HOURS} hours' limit ${BATCH_ROWS}))`,
  `delete from counterpart.sweep_findings where ctid = any(array(
     select ctid from counterpart.sweep_findings
     where found_at < now() - interval '${FINDINGS_KEPT_DAYS} days' limit ${BATCH_ROWS}))`,
  `delete from counterpart.delete_passes where ctid = any(array(
     select ctid from counterpart.delete_passes
     where passed_at < now() - interval '${PASSES_KEPT_DAYS} days' and (verdict <> 'held' or not exists (
       select from counterpart.links l where l.id = link_id and l.state in ('reserved', 'linked', 'deleting')))
     limit ${BATCH_ROWS}))`,
  // of sweeps that were replaced by another
  `delete from counterpart.sweep_seen where ctid = any(array(
     select ctid from counterpart.sweep_seen where sweep_id in (
       select id from counterpart.sweeps where ended_at is not null) limit ${BATCH_ROWS}))`,
  // oldest first, so that what is left of a record's timeline has no gap
  `delete from counterpart.timeline where ctid = any(array(
     select ctid from counterpart.timeline where at < now() - interval '${TIMELINE_KEPT_DAYS} days'
     order by at, seq limit ${BATCH_ROWS}))`,
  `delete from counterpart.timeline where ctid = any(array(
     select old.ctid from (select catalog, record_id from counterpart.timeline
         where at > now() - interval '${TIMELINE_BUSY.hours} hours'
         group by catalog, record_id having count(*) >= ${TIMELINE_BUSY.entries}) as busy
       cross join lateral (select seq from counterpart.timeline t
         where t.catalog = busy.catalog and t.record_id = busy.record_id
         order by seq desc offset ${TIMELINE_KEPT_ENTRIES} limit 1) as newest_to_go
       join counterpart.timeline old on old.catalog = busy.catalog and old.record_id = busy.record_id
         and old.seq <= newest_to_go.seq
     order by old.seq limit ${BATCH_ROWS}))`,
];

/** Removes one batch of each. @returns the number of rows removed; call again while it is not 0 */
export async function removeExpired(sql: Sql): Promise<number> {
  let removed = 0;
  for (const statement of STATEMENTS) removed += (await sql.query(statement)).rowCount ?? 0;
  return removed;
}
