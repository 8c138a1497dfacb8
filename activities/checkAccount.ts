import { checkIdentity } from '../src/connections/account';
import type { Connector } from '../src/connectors/connector';
import { TREATMENT } from '../src/core/failure';
import type { ConnectionName } from '../src/core/ids';
import type { Reason } from '../src/core/reason';
import type { ActivityDeps } from './deps';
import { reasonOf, remoteTrouble } from './failures';
import { stepResult } from './stepResult';
import type { StepResult } from './stepResult';

/** Pauses the whole connection: every other record would fare alike. */
export async function pauseFor(
  deps: ActivityDeps,
  connection: ConnectionName,
  reason: Reason,
): Promise<StepResult> {
  await deps.store.connections.pause(connection, { code: reason.code, detail: reason.detail });
  deps.log.error({ connection, reason: reason.code, detail: reason.detail }, 'connection paused');
  return stepResult('paused', 'the connection is paused', { reason });
}

/**
 * Asks whose account this is, because a 404 usually means a wrong key.
 * @returns null when it is the right one, else the result that ends the step
 * @throws ApplicationFailure when the system could not be asked
 */
export async function checkAccount(deps: ActivityDeps, connector: Connector): Promise<StepResult | null> {
  const check = await checkIdentity(deps.store.connections, connector);
  deps.metrics.remoteCall(
    connector.connection,
    'identify',
    check.kind === 'failed' ? check.failure.kind : 'ok',
  );
  if (check.kind === 'right') return null;
  if (check.kind === 'wrong') return pauseFor(deps, connector.connection, check.reason);
  if (TREATMENT[check.failure.kind].treatment === 'pause') {
    return pauseFor(deps, connector.connection, reasonOf(check.failure));
  }
  throw remoteTrouble(connector.connection, check.failure);
}
