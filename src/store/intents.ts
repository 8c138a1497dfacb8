/** Remote mutations, written down before they are sent. A partial unique index allows one open intent per link. */
import { ABSENCE_APART_S } from '../core/absence';
import type { Fields } from '../core/fields';
import type { CatalogName, ConnectionName, RecordId } from '../core/ids';
import type { Reason } from '../core/reason';
import type { Sql } from './database';
import { often } from './prepared';

export type IntentKind = 'create' | 'update' | 'delete';
export type IntentEnding = 'done' | 'refused' | 'replayed_failure' | 'not_applied' | 'superseded';

export interface Intent {
  readonly key: string;
  readonly linkId: number;
  readonly kind: IntentKind;
  readonly values: Fields;
  /** Per field, the fingerprint of the value there that it knows it replaces. */
  readonly replaces: Readonly<Record<string, string>>;
  /** Version of the record the values were read from. */
  readonly version: number;
  /** Unix seconds by Postgres's clock, or null before the first send. */
  readonly firstSentAt: number | null;
  /** The same of the newest send: what was made by it is not much younger. */
  readonly lastSentAt: number | null;
  readonly sends: number;
  /** False while nothing of it can have taken effect: never sent, or the system never began to carry it out. */
  readonly inDoubt: boolean;
  /** The look that wrote it. */
  readonly lookId: number;
  /** True once the remote may have forgotten the key, by Postgres's clock. */
  readonly keyExpired: boolean;
  /** A create that was looked for and not found: it is not sent again before it is known whether it is absent. */
  readonly sought: boolean;
  /** Where a search that was not read to its end goes on; null where none is under way. */
  readonly tracePlace: string | null;
}

/** Of a link `l`: something was sent for it, or is about to be, so that an object may stand there that nobody here knows yet. */
export const MAY_HAVE_MADE = `exists (select from counterpart.intents i
  where i.link_id = l.id and (i.ended_at is null or i.sends > i.unbegun))`;

/** A create or update that is not sent again by itself: the system refused it for good, or a person has to decide first. */
export interface Refused extends Pick<Intent, 'kind' | 'replaces'> {
  /** Of the record; null: no edit changes anything about it. */
  readonly version: number | null;
  readonly reason: Reason;
}

interface IntentRow {
  key: string;
  link_id: number;
  kind: IntentKind;
  values: Fields | null;
  replaces: Record<string, string>;
  version: number;
  first_sent_at: number | null;
  last_sent_at: number | null;
  sends: number;
  in_doubt: boolean;
  look_id: number;
  key_expired: boolean;
  sought: boolean;
  trace_place: string | null;
}

/**
 * Stripe may remove keys after 24 h (docs.stripe.com/api/idempotent_requests); an hour is kept as distance, so that a
 * slow send does not cross the line under way.
 */
export const KEY_LIFE_HOURS = 23;

const COLUMNS = `key, link_id, kind, values, replaces, version, sends, sends > unbegun as in_doubt, look_id, trace_place,
  (absent_at is not null or trace_place is not null) as sought,
  floor(extract(epoch from first_sent_at))::bigint as first_sent_at,
  floor(extract(epoch from last_sent_at))::bigint as last_sent_at,
  coalesce(first_sent_at < now() - interval '${KEY_LIFE_HOURS} hours', false) as key_expired`;

function intent(row: IntentRow): Intent {
  return {
    key: row.key,
    linkId: row.link_id,
    kind: row.kind,
    values: row.values ?? {},
    replaces: row.replaces,
    version: row.version,
    firstSentAt: row.first_sent_at,
    lastSentAt: row.last_sent_at,
    sends: row.sends,
    inDoubt: row.in_doubt,
    lookId: row.look_id,
    keyExpired: row.key_expired,
    sought: row.sought,
    tracePlace: row.trace_place,
  };
}

/** @returns the intent as it stands then */
export async function openIntent(
  sql: Sql,
  written: {
    key: string;
    linkId: number;
    kind: IntentKind;
    values: Fields;
    replaces: Record<string, string>;
    version: number;
  },
): Promise<Intent> {
  const { rows } = await sql.query<IntentRow>(
    often(`insert into counterpart.intents (key, link_id, kind, values, replaces, version, look_id)
     select $1, id, $3, $4, $5, $6, look_id from counterpart.links where id = $2 returning ${COLUMNS}`),
    [
      written.key,
      written.linkId,
      written.kind,
      JSON.stringify(written.values),
      JSON.stringify(written.replaces),
      written.version,
    ],
  );
  if (rows[0] === undefined) throw new Error(`Link ${written.linkId} is not there to have an intent`);
  return intent(rows[0]);
}

export async function findOpen(sql: Sql, linkId: number): Promise<Intent | null> {
  const { rows } = await sql.query<IntentRow>(
    often(`select ${COLUMNS} from counterpart.intents where link_id = $1 and ended_at is null`),
    [linkId],
  );
  return rows[0] === undefined ? null : intent(rows[0]);
}

/**
 * Counts one send.
 * @returns false when nothing may be sent: a newer attempt has the link's fence, or the key has grown too old since it was read
 */
export async function markSent(sql: Sql, key: string, fence: number): Promise<boolean> {
  const { rowCount } = await sql.query(
    often(`update counterpart.intents i set sends = sends + 1, first_sent_at = coalesce(first_sent_at, now()), last_sent_at = now()
     from counterpart.links l where i.key = $1 and l.id = i.link_id and l.fence = $2 and i.ended_at is null
       and (i.kind = 'delete' or i.first_sent_at is null or i.first_sent_at >= now() - interval '${KEY_LIFE_HOURS} hours')`),
    [key, fence],
  );
  return rowCount === 1;
}

/** The system never began to carry the last send out: that one changed nothing. */
export async function noteUnbegun(sql: Sql, key: string, fence: number): Promise<void> {
  await sql.query(
    `update counterpart.intents i set unbegun = unbegun + 1
     from counterpart.links l where i.key = $1 and l.id = i.link_id and l.fence = $2 and i.ended_at is null and i.unbegun < i.sends`,
    [key, fence],
  );
}

/**
 * Remembers that what a create made was looked for and not found.
 * @returns whether that proves its absence: an earlier reading found nothing either, long enough ago.
 * Null when a newer attempt has the link's fence.
 */
export async function noteAbsence(sql: Sql, key: string, fence: number): Promise<boolean | null> {
  const { rows } = await sql.query<{ proven: boolean }>(
    `update counterpart.intents i set absent_at = coalesce(absent_at, now()), trace_place = null
     from counterpart.links l where i.key = $1 and l.id = i.link_id and l.fence = $2 and i.ended_at is null
     returning i.absent_at <= now() - interval '${ABSENCE_APART_S} seconds' as proven`,
    [key, fence],
  );
  return rows[0]?.proven ?? null;
}

/** Remembers how far a search has come. @returns false when a newer attempt has the link's fence */
export async function noteTracePlace(sql: Sql, key: string, fence: number, place: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update counterpart.intents i set trace_place = $3
     from counterpart.links l where i.key = $1 and l.id = i.link_id and l.fence = $2 and i.ended_at is null`,
    [key, fence, place],
  );
  return rowCount === 1;
}

/** The intent knows by now that it replaces these values as well. */
export async function noteReplaces(sql: Sql, key: string, replaces: Record<string, string>): Promise<void> {
  await sql.query(
    'update counterpart.intents set replaces = replaces || $2::jsonb where key = $1 and ended_at is null',
    [key, JSON.stringify(replaces)],
  );
}

/** Ends an intent. Its values are emptied: the fingerprints in `replaces` are all a late echo is compared with. */
export async function endIntent(
  sql: Sql,
  key: string,
  ending: IntentEnding,
  requestId: string | null,
): Promise<void> {
  await sql.query(
    often(`update counterpart.intents set ended_at = now(), ending = $2, request_id = $3, values = null
     where key = $1 and ended_at is null`),
    [key, ending, requestId],
  );
}

/** Takes back an intent of which nothing can have taken effect. Fenced: an older attempt that would send it can no longer do so. */
export async function supersede(sql: Sql, key: string, fence: number): Promise<void> {
  await sql.query(
    `update counterpart.intents i set ended_at = now(), ending = 'superseded', values = null
     from counterpart.links l where i.key = $1 and l.id = i.link_id and l.fence = $2 and i.sends = i.unbegun and i.ended_at is null`,
    [key, fence],
  );
}

/** What an echo is compared with. Null when the key is unknown here: the database was restored from an older backup. */
export async function findByKey(
  sql: Sql,
  key: string,
): Promise<{ linkId: number; recordId: string; kind: IntentKind; replaces: Record<string, string> } | null> {
  const { rows } = await sql.query<{
    link_id: number;
    record_id: string;
    kind: IntentKind;
    replaces: Record<string, string>;
  }>(
    often(`select i.link_id, l.record_id, i.kind, i.replaces from counterpart.intents i
     join counterpart.links l on l.id = i.link_id where i.key = $1`),
    [key],
  );
  const [row] = rows;
  return row === undefined
    ? null
    : { linkId: row.link_id, recordId: row.record_id, kind: row.kind, replaces: row.replaces };
}

/** What the newest deletion of the link's object, under way or done, knows that it replaces; null when we sent none. */
export async function lastDeletion(sql: Sql, linkId: number): Promise<Record<string, string> | null> {
  const { rows } = await sql.query<{ replaces: Record<string, string> }>(
    `select replaces from counterpart.intents where link_id = $1 and kind = 'delete' and sends > unbegun
     order by created_at desc, first_sent_at desc limit 1`,
    [linkId],
  );
  return rows[0]?.replaces ?? null;
}

/** Whether this record has an open create at this connection: only then may a mark on an object name its owner. */
export async function hasOpenCreate(
  sql: Sql,
  connection: ConnectionName,
  catalog: CatalogName,
  recordId: RecordId,
): Promise<boolean> {
  const { rows } = await sql.query(
    `select 1 from counterpart.intents i join counterpart.links l on l.id = i.link_id
     where l.connection = $1 and l.catalog = $2 and l.record_id = $3 and i.kind = 'create' and i.ended_at is null`,
    [connection, catalog, recordId],
  );
  return rows.length > 0;
}
