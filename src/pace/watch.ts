import type { Connector } from '../connectors/connector';
import type { Limits } from '../connectors/passage';
import type { ReasonCode } from '../core/reason';
import { checkIdentity } from '../connections/account';
import type { Store } from '../store/store';
import { releasedMaxRows } from './capacity';

export interface WatchPorts {
  readonly store: Pick<Store, 'breakers'> & {
    readonly connections: Pick<Store['connections'], 'keepIdentity' | 'pause'>;
  };
  /** Resolves after `ms` or when the process is stopping. */
  readonly pause: (ms: number) => Promise<unknown>;
  readonly stopped: () => boolean;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
}

/** How often each process looks whether there is a turn to take; the turns themselves are one a second for all. */
const LOOK_EVERY_MS = 1_000;

/**
 * Asks the system whose account this is: cheap, and about no object, so that one at which the system fails keeps nobody
 * waiting.
 */
async function probe({ store, log }: WatchPorts, connector: Connector): Promise<void> {
  const { connection } = connector;
  const check = await checkIdentity(store.connections, connector);
  const refuse = async (code: ReasonCode, detail: string | null): Promise<void> => {
    await store.connections.pause(connection, { code, detail });
    log.error({ connection, code, detail }, 'connection paused');
  };
  if (check.kind === 'failed') {
    const { kind, code } = check.failure;
    // asked not to come so fast is not told that it serves again
    if (kind === 'unavailable' || kind === 'stale' || kind === 'rate-limited') {
      await store.breakers.stillDown(connection, code);
      return;
    }
    if (kind === 'unauthorized') await refuse('unauthorized', code);
  }
  if (check.kind === 'wrong') await refuse(check.reason.code, check.reason.detail);
  if (await store.breakers.close(connection)) log.info({ connection }, 'the system answers again');
}

/** Takes a connection's turn, if there is one to take and no other process has it. */
export async function takeTurn(ports: WatchPorts, connector: Connector, limits: Limits): Promise<void> {
  const { store } = ports;
  const turn = await store.breakers.claimTurn(connector.connection, releasedMaxRows(limits));
  if (turn?.kind === 'probe') return probe(ports, connector);
  if (turn?.kind === 'release') await store.breakers.releaseSome(connector.connection, turn.rows);
}

/**
 * Watches one connection until the process stops: while it is down it is asked once a second, and once it answers the
 * records that waited go on, one, two, four and so on a second.
 */
export async function watch(ports: WatchPorts, connector: Connector, limits: Limits): Promise<void> {
  while (!ports.stopped()) {
    try {
      await takeTurn(ports, connector, limits);
    } catch (error) {
      ports.log.warn({ err: error, connection: connector.connection }, 'the watch failed; it goes on');
    }
    await ports.pause(LOOK_EVERY_MS);
  }
}
