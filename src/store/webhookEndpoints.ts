/**
 * Endpoints that we registered at remote systems, a row per connection. The secret of one is told only when it is made
 * and lies here in clear: it leaves by `secretsOf` alone, which the webhook receiver reads.
 */
import { parseConnectionName, trusted } from '../core/ids';
import type { ConnectionName } from '../core/ids';
import type { Sql } from './database';

/** Why an endpoint is not registered, or no longer known to be. */
export type EndpointTrouble = 'forbidden' | 'unsupported' | 'refused' | 'unavailable';

export interface WebhookEndpoint {
  readonly connection: ConnectionName;
  /** Where deliveries are wanted. */
  readonly url: string;
  /** Null until the system made one. */
  readonly endpointId: string | null;
  /** Null when it stands as wanted. */
  readonly trouble: { readonly code: EndpointTrouble; readonly detail: string | null } | null;
  readonly since: Date;
}

interface Row {
  connection: string;
  url: string;
  endpoint_id: string | null;
  trouble: EndpointTrouble | null;
  trouble_detail: string | null;
  since: Date;
}

export async function listEndpoints(sql: Sql): Promise<WebhookEndpoint[]> {
  const { rows } = await sql.query<Row>(
    `select connection, url, endpoint_id, trouble, trouble_detail, since from counterpart.webhook_endpoints
     order by connection`,
  );
  return rows.map((row) => ({
    connection: trusted(parseConnectionName(row.connection), 'connection name'),
    url: row.url,
    endpointId: row.endpoint_id,
    trouble: row.trouble === null ? null : { code: row.trouble, detail: row.trouble_detail },
    since: row.since,
  }));
}

export async function findEndpoint(sql: Sql, connection: ConnectionName): Promise<WebhookEndpoint | null> {
  return (await listEndpoints(sql)).find((endpoint) => endpoint.connection === connection) ?? null;
}

/** What signs deliveries of the registered endpoint. Never logged, never answered. */
export async function secretsOf(sql: Sql, connection: ConnectionName): Promise<string[]> {
  const { rows } = await sql.query<{ secret: string }>(
    'select secret from counterpart.webhook_endpoints where connection = $1 and secret is not null',
    [connection],
  );
  return rows.map((row) => row.secret);
}

/** The endpoint was made: its secret is kept before anything else is done. */
export async function keepMade(
  sql: Sql,
  connection: ConnectionName,
  made: { url: string; endpointId: string; secret: string },
): Promise<void> {
  await sql.query(
    `insert into counterpart.webhook_endpoints as e (connection, url, endpoint_id, secret) values ($1, $2, $3, $4)
     on conflict (connection) do update set url = $2, endpoint_id = $3, secret = $4, trouble = null,
       trouble_detail = null, since = now()`,
    [connection, made.url, made.endpointId, made.secret],
  );
}

/** The endpoint that was made earlier stands at `url`. */
export async function noteStanding(sql: Sql, connection: ConnectionName, url: string): Promise<void> {
  await sql.query(
    `update counterpart.webhook_endpoints set url = $2, trouble = null, trouble_detail = null,
       since = case when url = $2 and trouble is null then since else now() end
     where connection = $1`,
    [connection, url],
  );
}

/** The endpoint is not as wanted, or not known to be; a secret that is kept goes on being accepted. */
export async function noteTrouble(
  sql: Sql,
  connection: ConnectionName,
  url: string,
  trouble: { code: EndpointTrouble; detail: string | null },
): Promise<void> {
  await sql.query(
    `insert into counterpart.webhook_endpoints as e (connection, url, trouble, trouble_detail) values ($1, $2, $3, $4)
     on conflict (connection) do update set url = $2, trouble = $3, trouble_detail = $4,
       since = case when e.trouble is not distinct from $3 then e.since else now() end`,
    [connection, url, trouble.code, trouble.detail],
  );
}

/** None of ours is left there. */
export async function forgetEndpoint(sql: Sql, connection: ConnectionName): Promise<void> {
  await sql.query('delete from counterpart.webhook_endpoints where connection = $1', [connection]);
}
