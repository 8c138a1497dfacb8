import type { RemoteObject } from '../src/connectors/connector';
import { same } from '../src/core/fields';
import type { Base, Fields, Policy } from '../src/core/fields';
import { foldAnswer, foldUnanswered } from '../src/core/fold';
import type { RemoteFailure } from '../src/core/failure';
import type { RemoteId } from '../src/core/ids';
import type { LostValue } from '../src/core/merge';
import type { Reason } from '../src/core/reason';
import type { LocalRecord } from '../src/core/sides';
import type { IntentEnding } from '../src/store/intents';
import type { Link } from '../src/store/links';
import { droppedReason, reasonOf } from './failures';
import { STALE, stepResult } from './stepResult';
import type { StepResult } from './stepResult';
import type { Sending } from './takeUp';
import { parkRefusedHere } from './treatFailure';
import { DELETED, IN_SYNC, tellOtherLinks, writeLink } from './writeLink';
import type { HeldLink } from './writeLink';

/** Runs `work` on the locked record and link, unless a newer attempt has taken over. */
export async function settle(
  { deps, tools, link }: Sending,
  work: (held: HeldLink, record: LocalRecord) => Promise<StepResult>,
): Promise<StepResult> {
  try {
    return await deps.store.transact(async (tx) => {
      const record = await tx.records.lockRecord(tools.catalog, link.recordId);
      const locked = await tx.links.lockFenced(link.id, link.fence);
      return locked === null ? STALE : work({ deps, tx, link: locked }, record);
    });
  } catch (error) {
    // What the system answered cannot be written here. The intent stays open: its answer is asked for again.
    return parkRefusedHere(deps, link, error);
  }
}

/**
 * Whether this look has not read the other side yet: the intent is an earlier look's. Its answer may be the stored one of
 * a call made long ago, and says nothing of what a person did there since; the hint this look answers may be just that.
 */
function readByNone({ intent, link }: Sending): boolean {
  return intent.lookId !== link.lookId;
}

/**
 * Makes way for the object a create made: the door may have heard of it first and reserved a record id for it.
 * @returns the link that holds it all the same, being a record's own by now
 */
async function holderOf({ tx, link }: HeldLink, made: RemoteId): Promise<Link | null> {
  await tx.links.releaseReservation(link.connection, link.catalog, made);
  return tx.links.findByRemote(link.connection, link.catalog, made);
}

/**
 * What our create made was seen without our mark (somebody took it off at once) and became a record of its own. One
 * object cannot stand for two records: a person decides which of the two goes.
 */
async function settleTaken(
  held: HeldLink,
  key: string,
  holder: Link,
  requestId: string | null,
): Promise<StepResult> {
  const detail = `its object is linked to ${holder.recordId}`;
  const reason: Reason = { code: 'claims_record', field: null, detail };
  await held.tx.intents.endIntent(key, 'done', requestId);
  // whatever is heard or edited: another create would be a second one of the same person
  const refused = { kind: 'create', version: null, replaces: {}, reason } as const;
  await writeLink(held, { outcome: 'parked', reason, refused, waits: 0 });
  return stepResult('parked', 'parked: what it made belongs to another record', { reason, requestId });
}

/** What stands on the two sides once their form of our values was taken over here. */
function takenPairs(take: Fields, row: Fields): Base {
  const pairs = Object.entries(take).map(([field, theirs]) => [field, { ours: row[field] ?? null, theirs }]);
  return Object.fromEntries(pairs);
}

/**
 * Our values that stand here as they were sent and there in another form: whether the system gave it that form or a person an
 * edit nobody can tell, so ours is kept before it is taken over.
 */
function unlikeSent(sent: Fields, there: Fields, ours: Fields | null, policy: Policy): LostValue[] {
  return Object.entries(sent).flatMap(([field, value]) => {
    const rule = policy.fields[field];
    const theirs = there[field] ?? null;
    if (rule === undefined || ours === null || rule.canonical(theirs) === null) return [];
    if (same(rule, theirs, value) || !same(rule, ours[field] ?? null, value)) return [];
    return [{ field, ours: value, theirs, winner: 'remote' as const, cause: 'altered' as const }];
  });
}

/**
 * The state of a link that has just got its object. A record that was deleted and restored while its creation was in doubt is a
 * restored one: should its object be gone by now, that deletion is the earlier word, unless it was told and is the later one.
 */
async function stateWithObject(
  { intent, link, tools }: Sending,
  { tx }: HeldLink,
  record: LocalRecord,
  remoteId: RemoteId,
): Promise<'linked' | 'deleting'> {
  // a deletion and a restore count the version up by two
  if (record.kind !== 'live' || record.version < intent.version + 2) return 'linked';
  const restored = await tx.records.restoredSince(tools.catalog, link.recordId, intent.version, {
    connection: link.connection,
    remoteId,
  });
  return restored ? 'deleting' : 'linked';
}

/**
 * A create or update took effect: the answer is folded against the values the intent carried.
 * @param standing what stands there by now, where `object` is not the answer itself but what it must have been
 */
export async function settleWrite(
  sending: Sending,
  object: RemoteObject,
  requestId: string | null,
  standing: RemoteObject | null = null,
): Promise<StepResult> {
  const { tools, intent } = sending;
  return settle(sending, async (held, record) => {
    const { tx, link } = held;
    const holder = link.remoteId === null ? await holderOf(held, object.remoteId) : null;
    if (holder !== null) return settleTaken(held, intent.key, holder, requestId);
    const ours = record.kind === 'live' ? record.fields : null;
    const fold = foldAnswer(link.base, intent.values, object.fields, ours, tools.policy);
    const taken = Object.keys(fold.take);
    let version = record.kind === 'absent' ? intent.version : record.version;
    let { base } = fold;
    if (taken.length > 0) {
      const row = await tx.records.updatePulled(tools.catalog, link.recordId, fold.take);
      ({ version } = row);
      // a trigger of the product may have given their form one of its own: not pushed back
      base = { ...base, ...takenPairs(fold.take, row.fields) };
      await tx.conflicts.recordLost(link, fold.lost);
      await tellOtherLinks(held);
    }
    if (standing !== null)
      await tx.conflicts.recordLost(link, unlikeSent(intent.values, standing.fields, ours, tools.policy));
    await tx.intents.endIntent(intent.key, 'done', requestId);
    // what has moved on here, and what nobody has read yet, is decided first; that parks a dropped field as well
    const made =
      link.state === 'reserved' ? await stateWithObject(sending, held, record, object.remoteId) : null;
    const examines = fold.lookAgain || readByNone(sending) || made === 'deleting';
    const next = examines ? 'examine' : fold.dropped.length > 0 ? 'parked' : 'done';
    const outcome = {
      parked: { outcome: 'parked', reason: droppedReason(fold.dropped), waits: 0 },
      // an open question leaves the sides unequal: the next look asks it
      examine: { waits: 0 },
      done: IN_SYNC,
    } as const;
    await writeLink(held, {
      refused: null,
      // a deletion decided meanwhile keeps its state
      ...(made === null ? {} : { state: made }),
      ...(link.remoteId === null ? { remoteId: object.remoteId } : {}),
      base,
      ...(fold.lookAgain ? {} : { agreedVersion: version }),
      ...outcome[next],
    });
    const what = `${intent.kind} ${Object.keys(intent.values).join(',')}${taken.length > 0 ? ` took:${taken.join(',')}` : ''}`;
    return stepResult(next, what, { version, direction: 'out', requestId, remoteId: object.remoteId });
  });
}

/**
 * The same for a call whose answer never came and whose event tells what it made. What stands there now was not folded: it may be
 * newer. The look parks what was dropped.
 */
export async function settleTold(
  sending: Sending,
  object: RemoteObject,
  made: Fields,
  requestId: string | null,
): Promise<StepResult> {
  const settled = await settleWrite(sending, { ...object, fields: made }, requestId);
  return examineNext(settled);
}

/** The step's result when what stands there is to be looked at, whatever was folded. */
export function examineNext(settled: StepResult): StepResult {
  const folded = settled.next === 'done' || settled.next === 'parked';
  return folded ? { ...settled, next: 'examine', reason: null } : settled;
}

/** The create took effect and its object was deleted there since: linked, so that the deletion is decided like any other. */
export async function settleDeletedSince(sending: Sending, remoteId: RemoteId): Promise<StepResult> {
  const { key, values } = sending.intent;
  return settle(sending, async (held, record) => {
    const holder = await holderOf(held, remoteId);
    if (holder !== null) return settleTaken(held, key, holder, null);
    await held.tx.intents.endIntent(key, 'done', null);
    const state = await stateWithObject(sending, held, record, remoteId);
    // What was sent stood there, so only what was edited here since is lost with it.
    const sent = Object.entries(values).map(([field, value]) => [field, { ours: value, theirs: value }]);
    const base: Base = { ...held.link.base, ...Object.fromEntries(sent) };
    await writeLink(held, { remoteId, state, remoteDeleted: true, base });
    return stepResult('examine', 'created and deleted there since');
  });
}

/** The object is gone by our own deletion. */
export async function settleDelete(sending: Sending, requestId: string | null): Promise<StepResult> {
  return settle(sending, async (held, record) => {
    await held.tx.intents.endIntent(sending.intent.key, 'done', requestId);
    await writeLink(held, { ...DELETED, state: 'retired', remoteDeleted: true });
    // restored while its deletion was on the way: a new generation begins
    const next = record.kind === 'live' ? 'again' : 'done';
    return stepResult(next, 'delete', { direction: 'out', requestId, remoteId: held.link.remoteId });
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
  return settle(sending, async (held, record) => {
    const { base: before } = held.link;
    const ours = record.kind === 'live' ? record.fields : null;
    const { base, tookEffect } = foldUnanswered(before, intent.values, there.fields, ours, tools.policy);
    await held.tx.intents.endIntent(intent.key, tookEffect ? 'done' : ending, requestId);
    await writeLink(held, { base });
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
  return settle(sending, async ({ tx }) => {
    await tx.intents.endIntent(sending.intent.key, ending, requestId);
    return stepResult('examine', `${sending.intent.kind} was not applied`, { requestId });
  });
}

/** The system refused the data for good: parked until an edit heals it. */
export async function settleRefused(sending: Sending, failure: RemoteFailure): Promise<StepResult> {
  const { intent } = sending;
  const { requestId } = failure;
  const reason = reasonOf(failure);
  return settle(sending, async (held, record) => {
    await held.tx.intents.endIntent(intent.key, 'refused', requestId);
    const { kind, version, replaces } = intent;
    // a call that was wrong itself is not: it has another key the next time
    const refused = failure.kind === 'rejected' ? { kind, version, replaces, reason } : null;
    await writeLink(held, { outcome: 'parked', reason, refused, waits: 0 });
    // an edit that came in during the call may be the mend
    const edited = record.kind !== 'absent' && record.version !== intent.version;
    const next = edited || readByNone(sending) ? 'examine' : 'parked';
    return stepResult(next, `${intent.kind} was refused`, { reason, requestId });
  });
}
