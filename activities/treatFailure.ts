import { TREATMENT } from '../src/core/failure';
import type { RemoteFailure } from '../src/core/failure';
import type { Reason } from '../src/core/reason';
import type { Link } from '../src/store/links';
import { checkAccount, pauseFor } from './checkAccount';
import type { ActivityDeps, LinkTools } from './deps';
import { reasonOf, refusedHere, remoteTrouble } from './failures';
import { STALE, stepResult } from './stepResult';
import type { StepResult } from './stepResult';

/** Parks the link outside of any decision. */
export async function park(
  deps: ActivityDeps,
  link: Link,
  reason: Reason,
  what: string,
): Promise<StepResult> {
  const written = await deps.store.links.writeFenced(link.id, link.fence, { outcome: 'parked', reason });
  return written ? stepResult('parked', what, { reason }) : STALE;
}

/**
 * Parks the link when our own database refused its data for good.
 * @throws the error itself when it is any other
 */
export async function parkRefusedHere(deps: ActivityDeps, link: Link, error: unknown): Promise<StepResult> {
  const reason = refusedHere(error);
  if (reason === null) throw error;
  return park(deps, link, reason, 'parked: our own database refuses it');
}

/**
 * What to do about a failed call that is not about this intent's own outcome.
 * @throws ApplicationFailure for trouble that another attempt may outlive
 */
export async function treatFailure(
  deps: ActivityDeps,
  tools: LinkTools,
  link: Link,
  failure: RemoteFailure,
): Promise<StepResult> {
  const reason = reasonOf(failure);
  switch (TREATMENT[failure.kind].treatment) {
    case 'retry':
      throw remoteTrouble(link.connection, failure);
    case 'pause':
      return pauseFor(deps, link.connection, reason);
    case 'park':
      return park(deps, link, reason, 'parked: the system refused');
    case 'verify-account': {
      const checked = await checkAccount(deps, tools.connector);
      if (checked !== null) return checked;
      return park(deps, link, reason, 'parked: not found on the right account, which proves no deletion');
    }
  }
}
