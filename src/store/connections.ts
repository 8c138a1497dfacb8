/** Configured accounts of systems: who they were at first use, and whether they are paused. */
import { parseConnectionName, trusted } from '../core/ids';
import type { ConnectionName } from '../core/ids';
import type { ReasonCode } from '../core/reason';
import type { Identity } from '../connectors/connector';
import type { Sql } from './database';

/**
 * Why nothing is read or sent at a connection: it is paused (while it recovers, too), or the system does not answer. This is the
 * one place that says so; a pause is told first, being a person's to end.
 */
export type Standstill = 'paused' | 'down';

export function standstillOf(why: { readonly paused: boolean; readonly down: boolean }): Standstill | null {
  if (why.paused) return 'paused';
  return why.down ? 'down' : null;
}

export interface Connection {
  readonly name: ConnectionName;
  readonly system: string;
  /** Null until the first successful identification. */
  readonly identity: Identity | null;
  readonly paused: { readonly since: Date; readonly code: ReasonCode; readonly detail: string | null } | null;
  /** Set while the breaker is open: since when, the last failure's code, and when the system is asked next. */
  readonly down: { readonly since: Date; readonly code: string | null; readonly probeAt: Date | null } | null;
  /** What the server cannot do, e.g. `events`, `account`; everything else works. */
  readonly degraded: readonly string[];
  readonly standstill: Standstill | null;
}

interface ConnectionRow {
  name: string;
  system: string;
  account: string | null;
  api_base: string | null;
  mode: Identity['mode'] | null;
  paused_at: Date | null;
  recovering_since: Date | null;
  pause_code: ReasonCode | null;
  pause_detail: string | null;
  down_since: Date | null;
  down_code: string | null;
  probe_at: Date | null;
  degraded: string[];
}

const COLUMNS =
  'name, system, account, api_base, mode, paused_at, recovering_since, pause_code, pause_detail, down_since, down_code, probe_at, degraded';

/** An operator's or a guard's pause is told before a recovery, which goes on underneath it. */
function pausedBy(row: ConnectionRow): Connection['paused'] {
  if (row.paused_at !== null)
    return { since: row.paused_at, code: row.pause_code ?? 'paused', detail: row.pause_detail };
  return row.recovering_since === null
    ? null
    : { since: row.recovering_since, code: 'recovering', detail: null };
}

function connection(row: ConnectionRow): Connection {
  const known = row.api_base !== null && row.mode !== null;
  const paused = pausedBy(row);
  return {
    name: trusted(parseConnectionName(row.name), 'connection name'),
    system: row.system,
    identity: known ? { account: row.account, apiBase: row.api_base!, mode: row.mode! } : null,
    paused,
    down:
      row.down_since === null ? null : { since: row.down_since, code: row.down_code, probeAt: row.probe_at },
    degraded: row.degraded,
    standstill: standstillOf({ paused: paused !== null, down: row.down_since !== null }),
  };
}

/** For whoever waits for it: which connection, and what it failed with last. Since when is told beside it. */
export function downDetail(name: string, { code }: { readonly code: string | null }): string {
  return `the connection ${name} is down: ${code ?? 'no answer'}`;
}

/** Makes the connection's row at first use. */
export async function register(sql: Sql, name: ConnectionName, system: string): Promise<void> {
  await sql.query(
    'insert into counterpart.connections (name, system) values ($1, $2) on conflict do nothing',
    [name, system],
  );
}

export async function list(sql: Sql): Promise<Connection[]> {
  const { rows } = await sql.query<ConnectionRow>(
    `select ${COLUMNS} from counterpart.connections order by name`,
  );
  return rows.map(connection);
}

export async function find(sql: Sql, name: ConnectionName): Promise<Connection | null> {
  const { rows } = await sql.query<ConnectionRow>(
    `select ${COLUMNS} from counterpart.connections where name = $1`,
    [name],
  );
  return rows[0] === undefined ? null : connection(rows[0]);
}

/** Keeps the first identity a connection shows. @returns the one that is kept, which may be an earlier one */
export async function keepIdentity(sql: Sql, name: ConnectionName, seen: Identity): Promise<Identity> {
  const { rows } = await sql.query<ConnectionRow>(
    `update counterpart.connections
     set account = case when identified_at is null then $2 else coalesce(account, $2) end,
         api_base = coalesce(api_base, $3), mode = coalesce(mode, $4), identified_at = coalesce(identified_at, now())
     where name = $1 returning ${COLUMNS}`,
    [name, seen.account, seen.apiBase, seen.mode],
  );
  const kept = rows[0] === undefined ? null : connection(rows[0]).identity;
  if (kept === null) throw new Error(`The connection ${name} was identified before it was registered`);
  return kept;
}

/** Pauses; an operator's pause is never replaced by a guard's. @returns false when the connection is unknown */
export async function pause(
  sql: Sql,
  name: ConnectionName,
  why: { code: ReasonCode; detail: string | null },
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update counterpart.connections
     set paused_at = coalesce(paused_at, now()),
         pause_code = case when $2 = 'paused' or pause_code is null then $2 else pause_code end,
         pause_detail = case when $2 = 'paused' or pause_code is null then $3 else pause_detail end
     where name = $1`,
    [name, why.code, why.detail],
  );
  return rowCount === 1;
}

/** @returns whether it was paused */
export async function resume(sql: Sql, name: ConnectionName): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update counterpart.connections set paused_at = null, pause_code = null, pause_detail = null
     where name = $1 and paused_at is not null`,
    [name],
  );
  return rowCount === 1;
}

/** A sweep has read everything after a restored backup: what waited may be sent. */
export async function endRecovery(sql: Sql, name: ConnectionName): Promise<void> {
  await sql.query('update counterpart.connections set recovering_since = null where name = $1', [name]);
}

/** @returns true the first time the gap is noted, so that it is reported once */
export async function noteDegraded(sql: Sql, name: ConnectionName, what: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update counterpart.connections set degraded = array_append(degraded, $2) where name = $1 and not $2 = any(degraded)`,
    [name, what],
  );
  return rowCount === 1;
}

/** It can do it after all. */
export async function noteAble(sql: Sql, name: ConnectionName, what: string): Promise<void> {
  await sql.query(
    `update counterpart.connections set degraded = array_remove(degraded, $2) where name = $1 and $2 = any(degraded)`,
    [name, what],
  );
}
