import type { Connector } from '../connectors/connector';
import type { Store } from '../store/store';
import { checkIdentity } from './account';

export interface IdentifyPorts {
  readonly store: Store;
  /** Resolves after `ms` or when the process is stopping. */
  readonly pause: (ms: number) => Promise<unknown>;
  readonly stopped: () => boolean;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
}

const RETRY_MS = 2_000;

/** Asks each connection who it is, until it answers; a wrong account pauses it and says so. */
export async function identifyAtStart(ports: IdentifyPorts, connector: Connector): Promise<void> {
  const { store, log, pause, stopped } = ports;
  const { connection } = connector;
  while (!stopped()) {
    try {
      const check = await checkIdentity(store.connections, connector);
      if (check.kind === 'right') {
        const { account, apiBase, mode } = check.identity;
        if (account === null && (await store.connections.noteDegraded(connection, 'account'))) {
          log.warn(
            { connection },
            'degraded: this server does not name its account; it is known by its address',
          );
        }
        log.info({ connection, account, api_base: apiBase, mode }, 'connected');
        return;
      }
      if (check.kind === 'wrong') {
        await store.connections.pause(connection, { code: check.reason.code, detail: check.reason.detail });
        log.error(
          { connection, detail: check.reason.detail },
          'connection paused: this key belongs to another account',
        );
        return;
      }
      if (check.failure.kind === 'unauthorized') {
        await store.connections.pause(connection, { code: 'unauthorized', detail: check.failure.code });
        log.error({ connection, code: check.failure.code }, 'connection paused: the key was refused');
        return;
      }
      log.warn(
        { connection, failure: check.failure.kind, code: check.failure.code },
        'the system does not answer yet',
      );
    } catch (error) {
      log.warn({ err: error, connection }, 'the connection could not be identified yet');
    }
    await pause(RETRY_MS);
  }
}
