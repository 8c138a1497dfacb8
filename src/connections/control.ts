import type { Connector } from '../connectors/connector';
import type { ConnectionName } from '../core/ids';
import type { ReasonCode } from '../core/reason';
import type { Store } from '../store/store';
import { checkIdentity } from './account';

export type Resumed =
  | { readonly kind: 'resumed'; readonly released: number }
  | { readonly kind: 'unknown' }
  /** the account was asked and it must stay paused */
  | { readonly kind: 'refused'; readonly code: ReasonCode; readonly detail: string | null };

export interface ConnectionControl {
  /** The kill switch: no further call is made to this connection; hints are kept. */
  readonly pause: (name: string) => Promise<'paused' | 'unknown'>;
  /** Checks whose account the key opens, then lets everything go on that waited. */
  readonly resume: (name: string) => Promise<Resumed>;
}

export function createConnectionControl(
  store: Store,
  connectors: ReadonlyMap<ConnectionName, Connector>,
): ConnectionControl {
  const byName = (name: string): Connector | undefined =>
    [...connectors.values()].find((connector) => connector.connection === name);
  return {
    async pause(name) {
      const connector = byName(name);
      if (connector === undefined) return 'unknown';
      await store.connections.pause(connector.connection, { code: 'paused', detail: null });
      return 'paused';
    },
    async resume(name) {
      const connector = byName(name);
      if (connector === undefined) return { kind: 'unknown' };
      const check = await checkIdentity(store.connections, connector);
      if (check.kind === 'wrong')
        return { kind: 'refused', code: check.reason.code, detail: check.reason.detail };
      if (check.kind === 'failed') {
        const code = check.failure.kind === 'unauthorized' ? 'unauthorized' : 'unavailable';
        return { kind: 'refused', code, detail: check.failure.code };
      }
      return store.transact(async (tx) => {
        await tx.connections.resume(connector.connection);
        await tx.breakers.close(connector.connection);
        return { kind: 'resumed', released: await tx.queue.releaseWaiting(connector.connection) };
      });
    },
  };
}
