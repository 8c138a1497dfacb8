import type { RemoteObject } from '../src/connectors/connector';
import type { Answer, RemoteFailure } from '../src/core/failure';
import { TREATMENT } from '../src/core/failure';
import { checkAccount } from './checkAccount';
import { noteCall } from './deps';
import type { ActivityDeps } from './deps';
import type { OpenLink } from './openLook';
import { readBeforeRepeat } from './readBeforeRepeat';
import { resolveUpdate } from './resolveUpdate';
import { settleDelete, settleNotApplied, settleRefused, settleWrite } from './settle';
import { STALE, stepResult } from './stepResult';
import type { StepResult } from './stepResult';
import { takeUp, targetOf } from './takeUp';
import type { Sending } from './takeUp';
import { treatFailure } from './treatFailure';

/** @returns the object as it stands then, or null for one that was deleted */
function call({ tools, link, intent }: Sending): Promise<Answer<RemoteObject | null>> {
  switch (intent.kind) {
    case 'create':
      return tools.remote.create(intent.values, link.recordId, intent.key);
    case 'update':
      return tools.remote.update(targetOf(link), intent.values, intent.key);
    case 'delete':
      return tools.remote.remove(targetOf(link));
  }
}

/**
 * Our DELETE found nothing, on the right account. Whoever said so may have been a proxy that has gone since, so the object is
 * asked for: only one that is not there either is deleted.
 * @throws ApplicationFailure `RemoteTrouble` when it stands there: the next attempt repeats the DELETE
 */
async function settleFoundNothing(sending: Sending, failure: RemoteFailure): Promise<StepResult> {
  const { deps, tools, link } = sending;
  const answer = await tools.remote.read(targetOf(link));
  noteCall(deps, link.connection, 'read', answer);
  if (answer.kind === 'failed' && answer.failure.kind !== 'gone')
    return treatFailure(deps, tools, link, answer.failure);
  if (answer.kind === 'answered' && answer.value.kind === 'present')
    return treatFailure(deps, tools, link, { ...failure, kind: 'unavailable' });
  return settleDelete(sending, failure.requestId);
}

/**
 * A create asks for no object, so there is nothing it could fail to find. Where the answer names what is missing, the data was
 * refused; else it was no answer to this call, and nothing is known.
 */
function notFoundByCreate(failure: RemoteFailure): RemoteFailure {
  return failure.param === null
    ? { ...failure, kind: 'unavailable', definite: failure.replayed }
    : { ...failure, kind: 'rejected' };
}

/**
 * What a failed send means for its intent. It stays open, with its key and values, unless the answer is definite: a
 * time-out, a first 5xx, 409 or 429 may still take effect, so the very same call is repeated.
 */
async function settleFailure(sending: Sending, told: RemoteFailure): Promise<StepResult> {
  const { deps, tools, link, intent } = sending;
  let failure = told;
  if (told.kind === 'gone') {
    const wrongAccount = await checkAccount(deps, tools.connector);
    if (wrongAccount !== null) return wrongAccount;
    // An update that finds nothing changed nothing.
    if (intent.kind === 'update') return settleNotApplied(sending, told.requestId);
    if (intent.kind === 'delete') return settleFoundNothing(sending, told);
    failure = notFoundByCreate(told);
  }
  if (failure.unbegun) await deps.store.intents.noteUnbegun(intent.key, link.fence);
  if (!failure.definite) return treatFailure(deps, tools, link, failure);
  // Its key was used, by whom and with what it does not say: a second object may not be made before that is known.
  if (intent.kind === 'create' && failure.kind === 'bug')
    return stepResult('trace', 'its key was used before', { requestId: failure.requestId });
  if (TREATMENT[failure.kind].treatment !== 'retry') return settleRefused(sending, failure);
  // A stored 5xx replayed: this key will never answer otherwise, and it may have taken effect before it failed. For a
  // create absence is proven first, for an update the object itself is asked.
  switch (intent.kind) {
    case 'create':
      return stepResult('trace', 'a stored failure was replayed', { requestId: failure.requestId });
    case 'update':
      return resolveUpdate(sending, 'replayed_failure');
    case 'delete':
      return settleNotApplied(sending, failure.requestId, 'replayed_failure');
  }
}

/**
 * Sends the link's open intent, or finds out what became of it when its key may be forgotten, and folds the outcome into
 * the base.
 * @throws ApplicationFailure `RemoteTrouble` when the outcome is still unknown; the intent stays open
 */
export async function send(deps: ActivityDeps, open: OpenLink): Promise<StepResult> {
  const sending = await takeUp(deps, open);
  return 'next' in sending ? sending : sendTaken(sending);
}

/** As `send`, for an attempt that has link and intent in hand. What has moved on meanwhile has taken the fence as well. */
export async function sendTaken(sending: Sending): Promise<StepResult> {
  const { deps, link, intent } = sending;
  if (intent.kind === 'create' && intent.sought) return stepResult('trace', 'it was looked for before');
  if (intent.kind === 'create' && intent.keyExpired) return stepResult('trace', 'the key may be forgotten');
  if (intent.keyExpired && intent.kind === 'update') return resolveUpdate(sending, 'not_applied');
  if (intent.kind === 'delete' && intent.inDoubt) {
    const ended = await readBeforeRepeat(sending);
    if (ended !== null) return ended;
  }
  if (!(await deps.store.intents.markSent(intent.key, link.fence))) return STALE;
  const answer = await call(sending);
  noteCall(deps, link.connection, intent.kind, answer);
  if (answer.kind === 'failed') return settleFailure(sending, answer.failure);
  return answer.value === null
    ? settleDelete(sending, answer.requestId)
    : settleWrite(sending, answer.value, answer.requestId);
}
