import { describeLocal } from '../src/core/sides';
import type { Remote } from '../src/core/sides';
import type { Reason } from '../src/core/reason';
import { reconcile } from '../src/core/reconcile';
import type { RecordId } from '../src/core/ids';
import type { Intent } from '../src/store/intents';
import type { Link } from '../src/store/links';
import { applyDecision } from './applyDecision';
import { hasBase, neverAgreed } from './agreement';
import { askAlike } from './alike';
import type { Alike } from './alike';
import { checkAccount } from './checkAccount';
import { noteCall, toolsFor } from './deps';
import type { ActivityDeps, LinkTools } from './deps';
import { rankedHere, remoteLivedOn } from './rankedHere';
import type { OpenLink } from './openLook';
import { STALE, stepResult } from './stepResult';
import type { StepResult } from './stepResult';
import { takeLink } from './takeUp';
import type { Sending } from './takeUp';
import { park, parkRefusedHere, treatFailure } from './treatFailure';

/** The other side, as this attempt knows it. */
interface View {
  readonly remote: Remote;
  /** The record whose mark the object bears. */
  readonly claims: RecordId | null;
  readonly requestId: string | null;
}

/** @returns the step's result when the other side could not be read */
async function readRemote(deps: ActivityDeps, tools: LinkTools, link: Link): Promise<View | StepResult> {
  if (link.remoteDeleted) return { remote: { kind: 'deleted' }, claims: null, requestId: null };
  if (link.remoteId === null) return { remote: { kind: 'none' }, claims: null, requestId: null };
  const answer = await tools.remote.read(link.remoteId);
  noteCall(deps, link.connection, 'read', answer);
  if (answer.kind === 'failed') {
    const unseen = answer.failure.kind === 'gone' ? await unseenAndUnwanted(deps, tools, link) : null;
    return unseen ?? treatFailure(deps, tools, link, answer.failure);
  }
  const { value: reading, requestId } = answer;
  if (reading.kind === 'deleted') return { remote: { kind: 'deleted' }, claims: null, requestId };
  const { fields, claims } = reading.object;
  return { remote: { kind: hasBase(link) ? 'edited' : 'created', fields }, claims, requestId };
}

/**
 * Deleted here, and not found there: that proves no deletion, but the deletion that is wanted can be sent, and finding
 * nothing is then its success, on the right account. Else a record that is missing there could never be got rid of.
 */
async function unseenAndUnwanted(
  deps: ActivityDeps,
  tools: LinkTools,
  link: Link,
): Promise<View | StepResult | null> {
  const record = await deps.store.records.readRecord(tools.catalog, link.recordId);
  if (record.kind !== 'tombstone' || !hasBase(link)) return null;
  const wrongAccount = await checkAccount(deps, tools.connector);
  if (wrongAccount !== null) return wrongAccount;
  const agreed = Object.entries(link.base).map(([field, { theirs }]) => [field, theirs]);
  return { remote: { kind: 'edited', fields: Object.fromEntries(agreed) }, claims: null, requestId: null };
}

/**
 * An object seen for the first time that carries our mark for another record: either that record's own create is still
 * open and this is what it made, or somebody copied the metadata.
 */
async function foreignClaim(deps: ActivityDeps, link: Link, claims: RecordId): Promise<StepResult> {
  const owned = await deps.store.intents.hasOpenCreate(link.connection, link.catalog, claims);
  if (!owned || link.remoteId === null) {
    const reason: Reason = { code: 'claims_record', field: null, detail: `claims ${claims}` };
    return park(deps, link, reason, 'parked: it carries the mark of another record');
  }
  const { remoteId } = link;
  await deps.store.transact(async (tx) => {
    await tx.links.releaseReservation(link.connection, link.catalog, remoteId);
    await tx.queue.enqueue(link.catalog, [claims], 'recognised');
  });
  return stepResult('done', 'released: it is what an open create of another record made');
}

export interface Examined {
  readonly result: StepResult;
  /**
   * The intent that was written, and the link as it was locked then: the same attempt may send it. Null when there is none, or
   * when the connection was held back meanwhile.
   */
  readonly sending: Sending | null;
}

/** Decides on the locked row, and writes what was decided in the same transaction. */
async function decide(
  deps: ActivityDeps,
  tools: LinkTools,
  link: Link,
  view: View,
  seen: { readonly firstSight: boolean; readonly recovered: boolean; readonly alike: Alike | null },
): Promise<Examined> {
  const recogniser = tools.catalog.recognisedBy;
  const { alike } = seen;
  return deps.store.transact(async (tx) => {
    if (seen.firstSight && recogniser !== null && 'fields' in view.remote) {
      await tx.records.lockRecognised(tools.catalog, view.remote.fields[recogniser] ?? null);
    } else if (alike !== null) await tx.records.lockRecognised(tools.catalog, alike.value);
    const record = await tx.records.lockRecord(tools.catalog, link.recordId);
    const locked = await tx.links.lockFenced(link.id, link.fence);
    if (locked === null) return { result: STALE, sending: null };
    const local = describeLocal(record, {
      generation: locked.generation,
      ending: locked.state === 'deleting' || locked.detached,
      hasBase: hasBase(locked),
      hasObject: locked.remoteId !== null,
    });
    const { held, policy } = await rankedHere(deps, tx, tools, locked, record);
    const deciding = seen.recovered ? remoteLivedOn(policy) : policy;
    const decision = reconcile(locked.base, local, view.remote, deciding);
    const { requestId } = view;
    const written: Intent[] = [];
    const wrote = (intent: Intent): void => void written.push(intent);
    const work = { deps, tx, tools, link: locked, held, requestId, recovered: seen.recovered, alike, wrote };
    const result = await applyDecision(work, decision, local, view.remote);
    const [intent] = written;
    if (intent === undefined || locked.standstill !== null) return { result, sending: null };
    return { result, sending: { deps, tools, link: locked, intent } };
  });
}

/**
 * Reads the other side, decides, and does what the decision asks of Postgres: pull, base, lost values, and the intent
 * for what is to be sent. The decision is made on the locked row, in the transaction that writes it.
 * @throws ApplicationFailure `RemoteTrouble` when the remote could not be read this time
 */
export async function examine(deps: ActivityDeps, open: OpenLink): Promise<StepResult> {
  return (await examineLink(deps, open)).result;
}

/** As `examine`, with the intent for whoever sends it in the same attempt. */
export async function examineLink(deps: ActivityDeps, open: OpenLink): Promise<Examined> {
  const examined = await examineTaken(deps, open);
  return 'next' in examined ? { result: examined, sending: null } : examined;
}

async function examineTaken(deps: ActivityDeps, open: OpenLink): Promise<Examined | StepResult> {
  const link = await takeLink(deps, open);
  if ('next' in link) return link;
  // An earlier attempt of this look has ended it, and its answer was lost: what stands here now is another generation's.
  if (link.state === 'retired' || link.state === 'void')
    return stepResult('again', 'this generation has ended');
  const intent = await deps.store.intents.findOpen(link.id);
  if (intent?.inDoubt === true) return stepResult('send', 'an open intent is finished first');
  // Never sent, or never begun there: nothing of it can have taken effect, and what stands now decides anew.
  if (intent !== null) await deps.store.intents.supersede(intent.key, link.fence);
  const tools = toolsFor(deps, link.connection, link.catalog);
  const view = await readRemote(deps, tools, link);
  if ('next' in view) return view;
  const firstSight = neverAgreed(link);
  if (firstSight && view.claims !== null && view.claims !== link.recordId) {
    return foreignClaim(deps, link, view.claims);
  }
  const alike = await askAlike(deps, tools, link, 'fields' in view.remote ? view.remote.fields : null);
  if (alike !== null && 'next' in alike) return alike;
  try {
    const seen = { firstSight, recovered: open.recovered === true, alike };
    const { result, sending } = await decide(deps, tools, link, view, seen);
    return { result: { ...result, remoteId: link.remoteId, requestId: view.requestId }, sending };
  } catch (error) {
    return parkRefusedHere(deps, link, error);
  }
}
