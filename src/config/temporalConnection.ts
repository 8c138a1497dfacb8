import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';

/** What both `Connection.connect` (client) and `NativeConnection.connect` (worker) accept. */
export interface TemporalConnection {
  address?: string;
  apiKey?: string;
  tls?: NonNullable<ClientConnectConfig['connectionOptions']['tls']>;
  metadata?: NonNullable<ClientConnectConfig['connectionOptions']['metadata']>;
}

export interface TemporalProfile {
  readonly address: string | null;
  readonly namespace: string | null;
  readonly connection: TemporalConnection;
}

/**
 * Temporal's own reading of TEMPORAL_ADDRESS, _NAMESPACE, _API_KEY, _TLS_*, _GRPC_META_*.
 * Temporal's config file (temporal.toml) is read only when TEMPORAL_CONFIG_FILE or TEMPORAL_PROFILE asks for it:
 * a file left behind by other work must not send a first `npm start` to somebody's production cluster.
 * Throws what envconfig throws: unreadable certificate, malformed boolean, unknown profile.
 */
export function readTemporalProfile(variables: Record<string, string>): TemporalProfile {
  const own = Object.fromEntries(Object.entries(variables).filter(([name]) => name.startsWith('TEMPORAL_')));
  const fileAsked = 'TEMPORAL_CONFIG_FILE' in own || 'TEMPORAL_PROFILE' in own;
  const read = loadClientConnectConfig({ disableFile: !fileAsked, overrideEnvVars: own });
  const { address, apiKey, tls, metadata } = read.connectionOptions;
  const connection: TemporalConnection = {};
  if (address !== undefined) connection.address = address;
  if (apiKey !== undefined) connection.apiKey = apiKey;
  if (tls !== undefined && tls !== null) connection.tls = tls;
  if (metadata !== undefined) connection.metadata = metadata;
  return { address: address ?? null, namespace: read.namespace ?? null, connection };
}
