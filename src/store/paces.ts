/** When each connection may be called next, by class of request; shared by all processes. */
import type { ConnectionName } from '../core/ids';
import { UNFLUSHED } from './database';
import type { Sql } from './database';
import { often } from './prepared';

/** A class of requests, e.g. all of a connection or one endpoint, and how many of it a second. */
interface Class {
  readonly name: string;
  readonly perSecond: number;
}

/** After "too many requests" a class is served at half its rate, at most this often. */
const HALVED_EVERY_MS = 1_000;
/** Of the limit: what is left at worst, and what comes back per second. From half to all of it takes 25 s. */
const SLOWEST_SHARE = 0.1;
const RECOVERED_SHARE_PER_S = 0.02;
/** A system may ask us to stay away for hours; it is asked again after this. */
const RETRY_AFTER_MAX_MS = 60_000;
/** Further away than any slot that was ever given: Postgres's clock was set back. */
const NEXT_LATEST_MS = RETRY_AFTER_MAX_MS + 1_000;
/** When it does not say how long. */
const RETRY_AFTER_MS = 250;

/** The rate in force: the limit, or what it was lowered to and has recovered since. Over `p` (its row) and `w` (its limit). */
const RATE = `least(w.per_second, coalesce(p.slowed_to + w.per_second * ${RECOVERED_SHARE_PER_S}
  * extract(epoch from clock_timestamp() - p.slowed_at), w.per_second))::float8`;
/** Halved for a refusal of this very moment already. */
const LATELY = `coalesce(p.slowed_at >= clock_timestamp() - ${HALVED_EVERY_MS} * interval '1 millisecond', false)`;
const WANTED = 'unnest($2::text[], $3::float8[]) as w (class, per_second)';

function parameters(connection: ConnectionName, classes: readonly Class[]) {
  return [connection, classes.map(({ name }) => name), classes.map(({ perSecond }) => perSecond)];
}

export async function prepare(
  sql: Sql,
  connection: ConnectionName,
  classes: readonly string[],
): Promise<void> {
  await sql.query(
    `insert into counterpart.paces (connection, class) select $1, unnest($2::text[]) on conflict do nothing`,
    [connection, classes],
  );
}

export interface Slots {
  readonly granted: number;
  /** When the first one is; below 0 for one that is past and may be used at once. Without any granted: the next free one. */
  readonly firstInMs: number;
  readonly spacingMs: number;
}

/**
 * Takes slots of time for requests that each count for all of these classes. In one statement, so that processes take
 * turns by the lock on the row.
 * @param ask.aheadMs how far in the future a slot may lie; @param ask.burstMs how long an unused one is kept
 * @throws when a class was not prepared
 */
export async function takeSlots(
  sql: Sql,
  connection: ConnectionName,
  classes: readonly Class[],
  ask: { wanted: number; aheadMs: number; burstMs: number },
): Promise<Slots> {
  const { rows } = await sql.query<{ granted: number; first_in_ms: number; spacing_ms: number }>(
    often(`with held as materialized (
       select class, next_at, slowed_at, slowed_to from counterpart.paces
       where connection = $1 and class = any($2) order by class for update),
     -- after the rows were locked, not before
     moment as materialized (select clock_timestamp() as now from (select count(*) from held) as locked),
     rated as (
       select p.class, moment.now, 1 / ${RATE} as spacing_s,
         least(greatest(p.next_at, moment.now - $6 * interval '1 millisecond'),
           moment.now + ${NEXT_LATEST_MS} * interval '1 millisecond') as from_at
       from held p join ${WANTED} on w.class = p.class cross join moment),
     whole as (
       select max(spacing_s) as spacing_s, (extract(epoch from max(from_at) - now) * 1000)::float8 as first_in_ms,
         greatest(0, least($4::int, 1 + floor(($5 - extract(epoch from max(from_at) - now) * 1000)
           / (max(spacing_s) * 1000))))::int as granted
       from rated group by now having count(*) = cardinality($2)),
     moved as (
       update counterpart.paces p set next_at = r.from_at + whole.granted * r.spacing_s * interval '1 second'
       from rated r cross join whole where p.connection = $1 and p.class = r.class and whole.granted > 0 and ${UNFLUSHED})
     select granted, first_in_ms, spacing_s * 1000 as spacing_ms from whole`),
    [...parameters(connection, classes), ask.wanted, ask.aheadMs, ask.burstMs],
  );
  if (rows[0] === undefined) throw new Error(`The pace of ${connection} was not prepared`);
  return {
    granted: rows[0].granted,
    firstInMs: rows[0].first_in_ms,
    spacingMs: rows[0].spacing_ms,
  };
}

/**
 * Keeps away from these classes as long as was asked, by each refusal anew, and halves their rate, once for all refusals of the
 * same moment.
 */
export async function slowDown(
  sql: Sql,
  connection: ConnectionName,
  classes: readonly Class[],
  retryAfterMs: number | null,
): Promise<void> {
  await sql.query(
    `update counterpart.paces p
     set slowed_to = case when ${LATELY} then p.slowed_to else greatest(${RATE} / 2, w.per_second * ${SLOWEST_SHARE}) end,
       slowed_at = case when ${LATELY} then p.slowed_at else clock_timestamp() end,
       next_at = greatest(p.next_at, clock_timestamp() + $4 * interval '1 millisecond')
     from ${WANTED} where p.connection = $1 and p.class = w.class`,
    [...parameters(connection, classes), Math.min(retryAfterMs ?? RETRY_AFTER_MS, RETRY_AFTER_MAX_MS)],
  );
}

/** Requests a second that a class is served at now; the limit itself where nothing was lowered. */
export async function rateInForce(sql: Sql, connection: ConnectionName, limit: Class): Promise<number> {
  const { rows } = await sql.query<{ rate: number }>(
    `select ${RATE} as rate from counterpart.paces p join ${WANTED} on w.class = p.class where p.connection = $1`,
    parameters(connection, [limit]),
  );
  return rows[0]?.rate ?? limit.perSecond;
}
