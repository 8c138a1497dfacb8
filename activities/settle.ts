import type { RemoteObject } from '../src/connectors/connector';
import { foldAnswer, foldUnanswered } from '../src/core/fold';
import type { Fold } from '../src/core/fold';
import type { RemoteFailure } from '../src/core/failure';
import type { Reason } from '../src/core/reason';
import type { LocalRecord } from '../src/core/sides';
import type { IntentEnding } from '../src/store/intents';
import type { Link, LinkPatch } from '../src/store/links';
import type { Statements } from '../src/store/store';
import { droppedReason, reasonOf, refusedHere } from './failures';
import type { Sending } from './send';
import { stepResult } from './stepResult';
import type { StepResult } from './stepResult';
import { park } from './treatFailure';

const STALE = stepResult('stale', 'a newer look has this link');

/** Runs `work` on the locked record and link, unless a newer attempt has taken over. */
async function settle(
  { deps, tools, link }: Sending,
  work: (tx: Statements, locked: Link, record: LocalRecord) => Promise<StepResult>,
): Promise<StepResult> {
  try {
    return await deps.store.transact(async (tx) => {
      const record = await tx.records.lockRecord(tools.catalog, link.recordId);
      const locked = await tx.links.lockFenced(link.id, link.fence);
      return locked === null ? STALE : work(tx, locked, record);
    });
  } catch (error) {
    // What the system answered cannot be written here. The intent stays open: its answer is asked for again.
    const refused = refusedHere(error);
    if (refused === null) throw error;
    return park(deps, link, refused, 'parked: our own database refuses it');
  }
}

/**
 * Whether this look has not read the other side yet: the intent is an earlier look's. Its answer may be the stored one of
 * a call made long ago, and says nothing of what a person did there since; the hint this look answers may be just that.
 */
function readByNone({ intent, link }: Sending): boolean {
  return intent.lookId !== link.lookId;
}

/** The end of a link's part after its intent ended well. An open question leaves sides unequal: the next look asks it. */
function outcomeAfter(fold: Fold, unseen: boolean): LinkPatch {
  if (fold.dropped.length > 0) {
    return { outcome: 'parked', reason: droppedReason(fold.dropped), waits: 0 };
  }
  return fold.lookAgain || unseen
    ? { waits: 0 }
    : { outcome: 'in_sync', reason: null, synced: true, waits: 0 };
}

/**
 * What our create made was seen without our mark (somebody took it off at once) and became a record of its own. One
 * object cannot stand for two records: a person decides which of the two goes.
 */
async function settleTaken(
  tx: Statements,
  locked: Link,
  key: string,
  holder: Link,
  requestId: string | null,
): Promise<StepResult> {
  const reason: Reason = {
    code: 'claims_record',
    field: null,
    detail: `its object is linked to ${holder.recordId}`,
  };
  await tx.intents.endIntent(key, 'done', requestId);
  await tx.links.writeFenced(locked.id, locked.fence, { outcome: 'parked', reason, waits: 0 });
  return stepResult('parked', 'parked: what it made belongs to another record', { reason, requestId });
}

/** A create or update took effect: the answer is folded against the values the intent carried. */
export async function settleWrite(
  sending: Sending,
  object: RemoteObject,
  requestId: string | null,
  ending: IntentEnding = 'done',
): Promise<StepResult> {
  const { deps, tools, intent } = sending;
  return settle(sending, async (tx, locked, record) => {
    if (locked.remoteId === null) {
      // The door may have heard of this very object first and reserved a record id for it.
      await tx.links.releaseReservation(locked.connection, locked.catalog, object.remoteId);
      const holder = await tx.links.findByRemote(locked.connection, locked.catalog, object.remoteId);
      if (holder !== null) return settleTaken(tx, locked, intent.key, holder, requestId);
    }
    const ours = record.kind === 'live' ? record.fields : null;
    const unseen = readByNone(sending);
    const fold = foldAnswer(locked.base, intent.values, object.fields, ours, tools.policy);
    const taken = Object.keys(fold.take);
    let version = record.kind === 'absent' ? intent.version : record.version;
    if (taken.length > 0) {
      version = (await tx.records.updatePulled(tools.catalog, locked.recordId, fold.take)).version;
      await tx.conflicts.recordLost(locked, fold.lost);
      if (deps.connectors.size > 1) await tx.queue.enqueue(locked.catalog, [locked.recordId], 'pull');
    }
    await tx.intents.endIntent(intent.key, ending, requestId);
    await tx.links.writeFenced(locked.id, locked.fence, {
      // a deletion decided meanwhile keeps its state
      ...(locked.state === 'reserved' ? { state: 'linked' as const } : {}),
      ...(locked.remoteId === null ? { remoteId: object.remoteId } : {}),
      base: fold.base,
      ...(fold.lookAgain ? {} : { agreedVersion: version }),
      ...outcomeAfter(fold, unseen),
    });
    const what = `${intent.kind} ${Object.keys(intent.values).join(',')}${taken.length > 0 ? ` took:${taken.join(',')}` : ''}`;
    const next = fold.dropped.length > 0 ? 'parked' : fold.lookAgain || unseen ? 'examine' : 'done';
    return stepResult(next, what, { version, direction: 'out', requestId, remoteId: object.remoteId });
  });
}

/** The object is gone by our own deletion. */
export async function settleDelete(sending: Sending, requestId: string | null): Promise<StepResult> {
  return settle(sending, async (tx, locked, record) => {
    await tx.intents.endIntent(sending.intent.key, 'done', requestId);
    await tx.links.writeFenced(locked.id, locked.fence, {
      state: 'retired',
      remoteDeleted: true,
      outcome: 'deleted',
      reason: null,
      synced: true,
      waits: 0,
    });
    // restored while its deletion was on the way: a new generation begins
    return stepResult(record.kind === 'live' ? 'again' : 'done', 'delete', {
      direction: 'out',
      requestId,
      remoteId: locked.remoteId,
    });
  });
}

/** No answer will come any more: what stands there is folded as far as it tells, and the link is decided anew. */
export async function settleUnanswered(
  sending: Sending,
  there: RemoteObject,
  requestId: string | null,
  ending: IntentEnding,
): Promise<StepResult> {
  const { tools, intent } = sending;
  return settle(sending, async (tx, locked, record) => {
    const ours = record.kind === 'live' ? record.fields : null;
    const { base, tookEffect } = foldUnanswered(locked.base, intent.values, there.fields, ours, tools.policy);
    await tx.intents.endIntent(intent.key, tookEffect ? 'done' : ending, requestId);
    await tx.links.writeFenced(locked.id, locked.fence, { base });
    const what = `${intent.kind} ${tookEffect ? 'took effect' : 'is not known to have taken effect'}`;
    return stepResult('examine', what, { requestId });
  });
}

/** The mutation surely did not take effect; the link is decided anew. */
export async function settleNotApplied(
  sending: Sending,
  requestId: string | null,
  ending: IntentEnding = 'not_applied',
): Promise<StepResult> {
  return settle(sending, async (tx) => {
    await tx.intents.endIntent(sending.intent.key, ending, requestId);
    return stepResult('examine', `${sending.intent.kind} was not applied`, { requestId });
  });
}

/** The system refused the data for good: parked until an edit heals it. */
export async function settleRefused(sending: Sending, failure: RemoteFailure): Promise<StepResult> {
  const reason = reasonOf(failure);
  return settle(sending, async (tx, locked, record) => {
    await tx.intents.endIntent(sending.intent.key, 'refused', failure.requestId);
    await tx.links.writeFenced(locked.id, locked.fence, { outcome: 'parked', reason, waits: 0 });
    // an edit that came in during the call may be the mend
    const edited = record.kind !== 'absent' && record.version !== sending.intent.version;
    return stepResult(
      edited || readByNone(sending) ? 'examine' : 'parked',
      `${sending.intent.kind} was refused`,
      {
        reason,
        requestId: failure.requestId,
      },
    );
  });
}
