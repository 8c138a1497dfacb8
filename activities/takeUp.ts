import type { RemoteId } from '../src/core/ids';
import type { Intent } from '../src/store/intents';
import type { Link } from '../src/store/links';
import { toolsFor } from './deps';
import type { ActivityDeps, LinkTools } from './deps';
import { connectionDown } from './failures';
import type { OpenLink } from './openLook';
import { STALE, stepResult } from './stepResult';
import type { StepResult } from './stepResult';

/** An open intent under a fence of this attempt. */
export interface Sending {
  readonly deps: ActivityDeps;
  readonly tools: LinkTools;
  readonly link: Link;
  readonly intent: Intent;
}

/**
 * Begins an attempt: takes the link's fence. The kill switch and the breaker hold for every attempt, not only for new
 * looks.
 * @returns the link, or the step's result when this attempt may not go on
 * @throws ApplicationFailure `RemoteTrouble` that ends the link's part at once, while the connection is down
 */
export async function takeLink(deps: ActivityDeps, open: OpenLink): Promise<Link | StepResult> {
  const link = await deps.store.links.takeFence(open.linkId, open.lookId);
  if (link === null) return STALE;
  if (link.standstill === null) return link;
  if (link.standstill === 'down') throw connectionDown(link.connection);
  return stepResult('paused', 'the connection is paused', {
    reason: { code: 'paused', field: null, detail: null },
  });
}

/** Takes the link and its open intent. @returns the step's result when there is nothing to take up */
export async function takeUp(deps: ActivityDeps, open: OpenLink): Promise<Sending | StepResult> {
  const link = await takeLink(deps, open);
  if ('next' in link) return link;
  const intent = await deps.store.intents.findOpen(link.id);
  if (intent === null) return stepResult('examine', 'nothing is open');
  return { deps, tools: toolsFor(deps, link.connection, link.catalog), link, intent };
}

/** The object an update or a deletion is about. */
export function targetOf(link: Link): RemoteId {
  if (link.remoteId === null) throw new Error(`Link ${link.id} has an intent about an object without an id`);
  return link.remoteId;
}
