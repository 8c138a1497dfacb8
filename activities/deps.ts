import type { Catalog } from '../src/catalogs/catalog';
import type { Connector, RemoteCatalog } from '../src/connectors/connector';
import type { DeleteGuard } from '../src/core/deleteGuard';
import type { Policy } from '../src/core/fields';
import type { Answer } from '../src/core/failure';
import type { CatalogName, ConnectionName } from '../src/core/ids';
import type { Fingerprint } from '../src/store/installation';
import type { Store } from '../src/store/store';
import { notIdentified } from './failures';

/** Where activities say what happened; ids, field names and codes only. */
export interface ActivityLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): ActivityLog;
}

export interface ActivityMetrics {
  /** One call to a remote system, by what came of it: `ok` or the failure's kind. */
  remoteCall(connection: string, operation: string, outcome: string): void;
  /** From the first hint to the acknowledged look, seconds. */
  propagated(direction: 'out' | 'in', seconds: number): void;
}

/** Everything an activity may touch. Time is Postgres's; nothing here reads a clock. */
export interface ActivityDeps {
  readonly store: Store;
  readonly catalogs: ReadonlyMap<CatalogName, Catalog>;
  readonly connectors: ReadonlyMap<ConnectionName, Connector>;
  readonly policies: ReadonlyMap<CatalogName, Policy>;
  /** Null: a burst of deletions is let through. */
  readonly deleteGuard: DeleteGuard | null;
  readonly installation: string;
  /**
   * Whether this process has checked whose account a connection's credentials open. Before that nothing is read or sent:
   * a create would land in the wrong account before anybody could pause it.
   */
  readonly identified: (connection: ConnectionName) => boolean;
  readonly fingerprint: Fingerprint;
  readonly random: { uuid(): string };
  readonly log: ActivityLog;
  /** What every line of this attempt's log carries: record id, workflow run, attempt. */
  readonly logContext: () => object;
  /** The workflow run this attempt belongs to; null outside of one. */
  readonly runId: () => string | null;
  readonly metrics: ActivityMetrics;
}

/** The tools for one link's work, looked up once. */
export interface LinkTools {
  readonly catalog: Catalog;
  readonly policy: Policy;
  readonly connector: Connector;
  readonly remote: RemoteCatalog;
}

/**
 * @throws Error when this worker was not configured for the connection or catalog: a deployment mistake, not the record's
 * @throws ApplicationFailure `RemoteTrouble` while the account behind the credentials is not checked yet
 */
export function toolsFor(
  deps: ActivityDeps,
  connection: ConnectionName,
  catalogName: CatalogName,
): LinkTools {
  const catalog = deps.catalogs.get(catalogName);
  const policy = deps.policies.get(catalogName);
  const connector = deps.connectors.get(connection);
  const remote = connector?.catalogs.get(catalogName);
  if (catalog === undefined || policy === undefined || connector === undefined || remote === undefined) {
    throw new Error(
      `No connector for the catalog ${catalogName} at the connection ${connection} is configured here`,
    );
  }
  if (!deps.identified(connection)) throw notIdentified(connection);
  return { catalog, policy, connector, remote };
}

/** Counts a call to a remote system, and logs a failed one: codes and the vendor's request id, no values. */
export function noteCall(
  deps: ActivityDeps,
  connection: ConnectionName,
  operation: string,
  answer: Answer<unknown>,
): void {
  if (answer.kind === 'answered') return deps.metrics.remoteCall(connection, operation, 'ok');
  const { kind, code, param, status, requestId } = answer.failure;
  deps.metrics.remoteCall(connection, operation, kind);
  const failure = { failure: kind, code, param, status, remote_request_id: requestId };
  deps.log.warn({ connection, ...failure, operation }, 'remote call failed');
}
