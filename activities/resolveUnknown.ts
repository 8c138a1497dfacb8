import type { RemoteObject } from '../src/connectors/connector';
import type { Fields } from '../src/core/fields';
import type { RemoteId } from '../src/core/ids';
import type { IntentEnding } from '../src/store/intents';
import type { ActivityDeps } from './deps';
import type { OpenLink } from './openLook';
import { takeUp } from './send';
import type { Sending } from './send';
import { settleNotApplied, settleUnanswered, settleWrite } from './settle';
import { stepResult } from './stepResult';
import type { StepResult } from './stepResult';
import { treatFailure } from './treatFailure';

/**
 * Finds out whether a create took effect, without its key: by the creation events and the list of objects made since it
 * was first sent. Only two complete, empty readings prove absence (the connector's `findCreated`), which can take
 * minutes on a busy account: an activity of its own.
 * @throws ApplicationFailure `RemoteTrouble` when a reading failed; the intent stays open
 */
export async function trace(deps: ActivityDeps, open: OpenLink): Promise<StepResult> {
  const sending = await takeUp(deps, open);
  if ('next' in sending) return sending;
  const { tools, link, intent } = sending;
  if (intent.kind !== 'create') return stepResult('send', 'only a create is traced');
  if (intent.firstSentAt === null) return settleNotApplied(sending, null);
  const found = await tools.remote.findCreated({
    key: intent.key,
    recordId: link.recordId,
    since: intent.firstSentAt,
    others: await deps.store.links.otherRemoteIds(link),
  });
  deps.metrics.remoteCall(
    link.connection,
    'find_created',
    found.kind === 'answered' ? 'ok' : found.failure.kind,
  );
  if (found.kind === 'failed') return treatFailure(deps, tools, link, found.failure);
  if (found.value.kind === 'absent') return settleNotApplied(sending, found.requestId);
  const reading = await tools.remote.read(found.value.remoteId);
  if (reading.kind === 'failed') return treatFailure(deps, tools, link, reading.failure);
  if (reading.value.kind === 'present') {
    const settled = await settleWrite(sending, asMade(reading.value.object, intent.values), found.requestId);
    // what stands there now was not folded: it may be newer than what the create made
    return settled.next === 'done' ? { ...settled, next: 'examine' } : settled;
  }
  return adoptDeleted(sending, found.value.remoteId);
}

/**
 * The object as the create made it, as far as that can be told: with the values that were sent, so that an edit there
 * since counts as one. An empty value stays empty: the system may have dropped ours, which must not be erased here.
 */
function asMade(object: RemoteObject, sent: Fields): RemoteObject {
  const made = Object.entries(sent).filter(([field]) => (object.fields[field] ?? null) !== null);
  return { ...object, fields: { ...object.fields, ...Object.fromEntries(made) } };
}

/** The create took effect and its object was deleted there since: linked, so that the deletion is decided like any other. */
async function adoptDeleted(sending: Sending, remoteId: RemoteId): Promise<StepResult> {
  const { deps, link, intent } = sending;
  return deps.store.transact(async (tx) => {
    const locked = await tx.links.lockFenced(link.id, link.fence);
    if (locked === null) return stepResult('stale', 'a newer look has this link');
    await tx.links.releaseReservation(link.connection, link.catalog, remoteId);
    await tx.intents.endIntent(intent.key, 'done', null);
    await tx.links.writeFenced(link.id, link.fence, { remoteId, state: 'linked', remoteDeleted: true });
    return stepResult('examine', 'created and deleted there since');
  });
}

/**
 * What became of an update that repeating its call cannot tell: the key may be forgotten, or answers with a stored
 * failure. The object itself tells, as far as it can.
 * @param ending of the intent, when nothing shows that it took effect
 */
export async function resolveUpdate(sending: Sending, ending: IntentEnding): Promise<StepResult> {
  const { deps, tools, link } = sending;
  if (link.remoteId === null) throw new Error(`Link ${link.id} has an update about an object without an id`);
  const answer = await tools.remote.read(link.remoteId);
  deps.metrics.remoteCall(link.connection, 'read', answer.kind === 'answered' ? 'ok' : answer.failure.kind);
  if (answer.kind === 'failed') return treatFailure(deps, tools, link, answer.failure);
  if (answer.value.kind === 'deleted') return settleNotApplied(sending, answer.requestId, 'superseded');
  return settleUnanswered(sending, answer.value.object, answer.requestId, ending);
}
