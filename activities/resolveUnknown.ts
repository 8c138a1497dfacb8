import { same } from '../src/core/fields';
import type { RemoteId } from '../src/core/ids';
import { remoteTrouble } from './failures';
import type { ActivityDeps } from './deps';
import type { OpenLink } from './openLook';
import { takeUp } from './send';
import type { Sending } from './send';
import { settleNotApplied, settleWrite } from './settle';
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
  if (reading.value.kind === 'present') return settleWrite(sending, reading.value.object, found.requestId);
  return adoptDeleted(sending, found.value.remoteId);
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
 * The key may be forgotten, so repeating the call could do it twice.
 *
 * For an update the object itself tells: if every field we sent still shows what was last agreed, nothing was applied
 * and the link is decided anew. Otherwise the update is taken as applied (the base becomes our values), so that what
 * stands there now is seen as newer than it, and an edit made here since is not mistaken for the old state.
 */
export async function resolveExpired(sending: Sending): Promise<StepResult> {
  const { deps, tools, link, intent } = sending;
  if (link.remoteId === null) throw new Error(`Link ${link.id} has an update about an object without an id`);
  const answer = await tools.remote.read(link.remoteId);
  deps.metrics.remoteCall(link.connection, 'read', answer.kind === 'answered' ? 'ok' : answer.failure.kind);
  if (answer.kind === 'failed') {
    if (answer.failure.kind !== 'gone') throw remoteTrouble(link.connection, answer.failure);
    return treatFailure(deps, tools, link, answer.failure);
  }
  if (answer.value.kind === 'deleted') return settleNotApplied(sending, answer.requestId, 'superseded');
  const there = answer.value.object;
  const untouched = Object.keys(intent.values).every((field) => {
    const rule = tools.policy.fields[field];
    const pair = link.base[field];
    return rule !== undefined && pair !== undefined && same(rule, there.fields[field] ?? null, pair.theirs);
  });
  if (untouched) return settleNotApplied(sending, answer.requestId);
  const applied = { ...there, fields: { ...there.fields, ...intent.values } };
  const settled = await settleWrite(sending, applied, answer.requestId);
  // what stands there now was not looked at: it may be newer than what we sent
  return settled.next === 'done' ? { ...settled, next: 'examine' } : settled;
}
