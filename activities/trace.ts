import type { RemoteObject } from '../src/connectors/connector';
import type { Fields } from '../src/core/fields';
import type { ActivityDeps } from './deps';
import { noteCall } from './deps';
import { absenceUnproven } from './failures';
import type { OpenLink } from './openLook';
import { examineNext, settleDeletedSince, settleNotApplied, settleTold, settleWrite } from './settle';
import { STALE, stepResult } from './stepResult';
import type { StepResult } from './stepResult';
import { takeUp } from './takeUp';
import { treatFailure } from './treatFailure';

/**
 * Finds out whether a create took effect, without its key: by the creation events and the list of objects made about the time
 * in which it was sent. Only complete, empty readings (the connector's `findCreated`), made twice and some seconds apart, prove
 * absence: lists may be late. That can take minutes on a busy account: an activity of its own.
 * @throws ApplicationFailure `RemoteTrouble` when a reading failed, and after a first empty one; the intent stays open
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
    until: intent.lastSentAt ?? intent.firstSentAt,
    others: await deps.store.links.otherRemoteIds(link),
  });
  noteCall(deps, link.connection, 'find_created', found);
  if (found.kind === 'failed') return treatFailure(deps, tools, link, found.failure);
  if (found.value.kind === 'absent') {
    const proven = await deps.store.intents.noteAbsence(intent.key, link.fence);
    if (proven === null) return STALE;
    if (!proven) throw absenceUnproven(link.connection);
    return settleNotApplied(sending, found.requestId);
  }
  const reading = await tools.remote.read(found.value.remoteId);
  noteCall(deps, link.connection, 'read', reading);
  if (reading.kind === 'failed') return treatFailure(deps, tools, link, reading.failure);
  if (reading.value.kind === 'deleted') return settleDeletedSince(sending, found.value.remoteId);
  const { object } = reading.value;
  const { made } = found.value;
  if (made !== null) return settleTold(sending, object, made, found.requestId);
  // what stands there now was not folded
  return examineNext(await settleWrite(sending, asMade(object, intent.values), found.requestId, object));
}

/**
 * The object as the create made it, where the system does not tell: with the values that were sent, so that an edit there
 * since counts as one. An empty value stays empty: the system may have dropped ours, which must not be erased here.
 */
function asMade(object: RemoteObject, sent: Fields): RemoteObject {
  const made = Object.entries(sent).filter(([field]) => (object.fields[field] ?? null) !== null);
  return { ...object, fields: { ...object.fields, ...Object.fromEntries(made) } };
}
