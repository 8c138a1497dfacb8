import type { RemoteObject } from '../src/connectors/connector';
import type { Answer } from '../src/core/failure';
import { TREATMENT } from '../src/core/failure';
import type { RemoteId } from '../src/core/ids';
import type { Intent } from '../src/store/intents';
import type { Link } from '../src/store/links';
import { checkAccount, heldByPause } from './checkAccount';
import { failureFields, toolsFor } from './deps';
import type { ActivityDeps, LinkTools } from './deps';
import type { OpenLink } from './openLook';
import { resolveUpdate } from './resolveUnknown';
import { settleDelete, settleNotApplied, settleRefused, settleWrite } from './settle';
import { stepResult } from './stepResult';
import type { StepResult } from './stepResult';
import { treatFailure } from './treatFailure';

/** An open intent under a fence of this attempt. */
export interface Sending {
  readonly deps: ActivityDeps;
  readonly tools: LinkTools;
  readonly link: Link;
  readonly intent: Intent;
}

type Sent =
  | { readonly kind: 'written'; readonly answer: Answer<RemoteObject> }
  | { readonly kind: 'removed'; readonly answer: Answer<null> };

function remoteIdOf(link: Link): RemoteId {
  if (link.remoteId === null) throw new Error(`Link ${link.id} has an intent about an object without an id`);
  return link.remoteId;
}

async function call({ tools, link, intent }: Sending): Promise<Sent> {
  switch (intent.kind) {
    case 'create':
      return { kind: 'written', answer: await tools.remote.create(intent.values, link.recordId, intent.key) };
    case 'update':
      return {
        kind: 'written',
        answer: await tools.remote.update(remoteIdOf(link), intent.values, intent.key),
      };
    case 'delete':
      return { kind: 'removed', answer: await tools.remote.remove(remoteIdOf(link)) };
  }
}

/**
 * What a failed send means for its intent. It stays open, with its key and values, unless the answer is definite: a
 * time-out, a first 5xx, 409 or 429 may still take effect, so the very same call is repeated.
 */
async function settleFailure(sending: Sending, sent: Sent): Promise<StepResult> {
  const { deps, tools, link, intent } = sending;
  if (sent.answer.kind === 'answered') throw new Error('A successful answer was handed over as a failure');
  const { failure } = sent.answer;
  deps.log.warn({ ...failureFields(failure), operation: intent.kind }, 'remote call failed');
  if (failure.kind === 'gone' && intent.kind !== 'create') {
    const wrongAccount = await checkAccount(deps, tools.connector);
    if (wrongAccount !== null) return wrongAccount;
    // On the right account, our own DELETE finding nothing is its success; an update that finds nothing changed nothing.
    return intent.kind === 'delete'
      ? settleDelete(sending, failure.requestId)
      : settleNotApplied(sending, failure.requestId);
  }
  if (!failure.definite) return treatFailure(deps, tools, link, failure);
  if (TREATMENT[failure.kind].treatment === 'retry') {
    // A stored 5xx replayed: this key will never answer otherwise, and it may have taken effect before it failed. For a
    // create absence is proven first, for an update the object itself is asked.
    if (intent.kind === 'create')
      return stepResult('trace', 'a stored failure was replayed', { requestId: failure.requestId });
    return intent.kind === 'update'
      ? resolveUpdate(sending, 'replayed_failure')
      : settleNotApplied(sending, failure.requestId, 'replayed_failure');
  }
  return settleRefused(sending, failure);
}

/** Takes the fence and the link's open intent. @returns the step's result when there is nothing to take up */
export async function takeUp(deps: ActivityDeps, open: OpenLink): Promise<Sending | StepResult> {
  const link = await deps.store.links.takeFence(open.linkId, open.lookId);
  if (link === null) return stepResult('stale', 'a newer look has this link');
  const held = heldByPause(link);
  if (held !== null) return held;
  const intent = await deps.store.intents.findOpen(link.id);
  if (intent === null) return stepResult('examine', 'nothing is open');
  return { deps, tools: toolsFor(deps, link.connection, link.catalog), link, intent };
}

/**
 * Sends the link's open intent, or finds out what became of it when its key may be forgotten, and folds the outcome into
 * the base.
 * @throws ApplicationFailure `RemoteTrouble` when the outcome is still unknown; the intent stays open
 */
export async function send(deps: ActivityDeps, open: OpenLink): Promise<StepResult> {
  const sending = await takeUp(deps, open);
  if ('next' in sending) return sending;
  const { link, intent } = sending;
  if (intent.keyExpired && intent.kind === 'create') return stepResult('trace', 'the key may be forgotten');
  if (intent.keyExpired && intent.kind === 'update') return resolveUpdate(sending, 'not_applied');
  if (!(await deps.store.intents.markSent(intent.key, link.fence))) {
    return stepResult('stale', 'a newer look has this link');
  }
  const sent = await call(sending);
  const outcome = sent.answer.kind === 'answered' ? 'ok' : sent.answer.failure.kind;
  deps.metrics.remoteCall(link.connection, intent.kind, outcome);
  if (sent.answer.kind === 'failed') return settleFailure(sending, sent);
  if (sent.kind === 'removed') return settleDelete(sending, sent.answer.requestId);
  if (sent.answer.kind !== 'answered') throw new Error('unreachable: failures were settled above');
  return settleWrite(sending, sent.answer.value, sent.answer.requestId);
}
