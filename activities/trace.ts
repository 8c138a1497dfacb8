import type { CreateTrace, RemoteObject } from '../src/connectors/connector';
import type { Answer } from '../src/core/failure';
import type { Fields } from '../src/core/fields';
import type { ActivityDeps } from './deps';
import { noteCall } from './deps';
import { absenceUnproven, stillSearching } from './failures';
import type { OpenLink } from './openLook';
import { examineNext, settleDeletedSince, settleNotApplied, settleTold, settleWrite } from './settle';
import { STALE, stepResult } from './stepResult';
import type { StepResult } from './stepResult';
import { takeUp } from './takeUp';
import type { Sending } from './takeUp';
import { treatFailure } from './treatFailure';

/**
 * Calls of one attempt. Each may take 100 requests, 10 s at 10 a second: together less than the ten minutes an attempt has
 * (workflows/proxies.ts).
 */
const CALLS_MAX = 30;

/** Goes on where an earlier attempt left off, and keeps how far it came. @returns null when a newer attempt has the link's fence */
async function search(
  { deps, tools, link, intent }: Sending,
  since: number,
): Promise<Answer<CreateTrace> | null> {
  const wanted = {
    key: intent.key,
    recordId: link.recordId,
    since,
    until: intent.lastSentAt ?? since,
    others: await deps.store.links.otherRemoteIds(link),
  };
  let place = intent.tracePlace;
  for (let calls = 1; ; calls += 1) {
    const answer = await tools.remote.findCreated({ ...wanted, place });
    noteCall(deps, link.connection, 'find_created', answer);
    if (answer.kind === 'failed' || answer.value.kind !== 'unfinished') return answer;
    ({ place } = answer.value);
    if (!(await deps.store.intents.noteTracePlace(intent.key, link.fence, place))) return null;
    if (calls >= CALLS_MAX) return answer;
  }
}

/**
 * Finds out whether a create took effect, without its key: by the creation events and the list of objects made about the time
 * in which it was sent. Only complete, empty readings (the connector's `findCreated`), made twice and some seconds apart, prove
 * absence: lists may be late. That can take minutes on a busy account: an activity of its own, which keeps its place.
 * @throws ApplicationFailure `RemoteTrouble` when a reading failed, and after a first empty one; the intent stays open
 */
export async function trace(deps: ActivityDeps, open: OpenLink): Promise<StepResult> {
  const sending = await takeUp(deps, open);
  if ('next' in sending) return sending;
  const { tools, link, intent } = sending;
  if (intent.kind !== 'create') return stepResult('send', 'only a create is traced');
  if (intent.firstSentAt === null) return settleNotApplied(sending, null);
  const found = await search(sending, intent.firstSentAt);
  if (found === null) return STALE;
  if (found.kind === 'failed') return treatFailure(deps, tools, link, found.failure);
  if (found.value.kind === 'unfinished') throw stillSearching(link.connection);
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
