import type { Connector } from '../connectors/connector';
import type { ConnectionName } from '../core/ids';
import type { Store } from '../store/store';
import type { ReasonCode } from '../core/reason';
import { checkIdentity } from './account';
import type { AccountCheck } from './account';

export interface IdentifyPorts {
  readonly store: Store;
  /** Resolves after `ms` or when the process is stopping. */
  readonly pause: (ms: number) => Promise<unknown>;
  readonly stopped: () => boolean;
  /** Told once the credentials are known to open the right account. */
  readonly identified: (connection: ConnectionName) => void;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
}

const RETRY_MS = 2_000;
/** The key cannot change under a running process, but what it is refused for can: an operator resumes, we ask again. */
const REFUSED_RETRY_MS = 5_000;

/** Why the connection must be paused; null when the system only did not answer. */
function refusalOf(check: AccountCheck): { code: ReasonCode; detail: string | null } | null {
  if (check.kind === 'wrong') return { code: check.reason.code, detail: check.reason.detail };
  if (check.kind === 'failed' && check.failure.kind === 'unauthorized') {
    return { code: 'unauthorized', detail: check.failure.code };
  }
  return null;
}

/** Asks whose credentials these are until the right account answers; a wrong one pauses the connection and says so. */
export async function identifyAtStart(ports: IdentifyPorts, connector: Connector): Promise<void> {
  const { store, log, pause, stopped } = ports;
  const { connection } = connector;
  let said: ReasonCode | null = null;
  while (!stopped()) {
    try {
      // the watch asks it, for all processes, and says when it answers again
      if ((await store.connections.find(connection))?.down != null) {
        await pause(RETRY_MS);
        continue;
      }
      const check = await checkIdentity(store.connections, connector);
      if (check.kind === 'right') {
        const { account, apiBase, mode } = check.identity;
        if (account === null && (await store.connections.noteDegraded(connection, 'account'))) {
          log.warn(
            { connection },
            'degraded: this server does not name its account; it is known by its address',
          );
        }
        ports.identified(connection);
        log.info({ connection, account, api_base: apiBase, mode }, 'connected');
        return;
      }
      const refusal = refusalOf(check);
      if (refusal !== null) {
        await store.connections.pause(connection, refusal);
        if (said !== refusal.code) log.error({ connection, ...refusal }, 'connection paused');
        said = refusal.code;
        await pause(REFUSED_RETRY_MS);
        continue;
      }
      log.warn(
        { connection, failure: check.kind === 'failed' ? check.failure.code : null },
        'the system does not answer yet',
      );
    } catch (error) {
      log.warn({ err: error, connection }, 'the connection could not be identified yet');
    }
    await pause(RETRY_MS);
  }
}
