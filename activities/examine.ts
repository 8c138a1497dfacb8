import type { Reading } from '../src/connectors/connector';
import { describeLocal } from '../src/core/sides';
import type { Remote } from '../src/core/sides';
import type { Reason } from '../src/core/reason';
import { reconcile } from '../src/core/reconcile';
import type { RecordId } from '../src/core/ids';
import type { Link } from '../src/store/links';
import { heldByPause } from './checkAccount';
import { applyDecision } from './applyDecision';
import { failureFields, toolsFor } from './deps';
import type { ActivityDeps, LinkTools } from './deps';
import { refusedHere } from './failures';
import type { OpenLink } from './openLook';
import { stepResult } from './stepResult';
import type { StepResult } from './stepResult';
import { park, treatFailure } from './treatFailure';

type SeenRemote =
  | {
      readonly kind: 'seen';
      readonly remote: Remote;
      readonly claims: RecordId | null;
      readonly requestId: string | null;
    }
  | { readonly kind: 'ended'; readonly result: StepResult };

async function readRemote(deps: ActivityDeps, tools: LinkTools, link: Link): Promise<SeenRemote> {
  if (link.remoteDeleted) return { kind: 'seen', remote: { kind: 'deleted' }, claims: null, requestId: null };
  if (link.remoteId === null)
    return { kind: 'seen', remote: { kind: 'none' }, claims: null, requestId: null };
  const answer = await tools.remote.read(link.remoteId);
  const outcome = answer.kind === 'answered' ? 'ok' : answer.failure.kind;
  deps.metrics.remoteCall(link.connection, 'read', outcome);
  if (answer.kind === 'failed') {
    deps.log.warn({ ...failureFields(answer.failure), operation: 'read' }, 'remote call failed');
    return { kind: 'ended', result: await treatFailure(deps, tools, link, answer.failure) };
  }
  return seen(answer.value, link, answer.requestId);
}

function seen(reading: Reading, link: Link, requestId: string | null): SeenRemote {
  if (reading.kind === 'deleted')
    return { kind: 'seen', remote: { kind: 'deleted' }, claims: null, requestId };
  const kind = Object.keys(link.base).length > 0 ? 'edited' : 'created';
  return {
    kind: 'seen',
    remote: { kind, fields: reading.object.fields },
    claims: reading.object.claims,
    requestId,
  };
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

/** Decides on the locked row, and writes what was decided in the same transaction. */
async function decide(
  deps: ActivityDeps,
  tools: LinkTools,
  link: Link,
  view: Extract<SeenRemote, { kind: 'seen' }>,
  firstSight: boolean,
): Promise<StepResult> {
  const recogniser = tools.catalog.recognisedBy;
  return deps.store.transact(async (tx) => {
    if (firstSight && recogniser !== null && 'fields' in view.remote) {
      await tx.records.lockRecognised(tools.catalog, view.remote.fields[recogniser] ?? null);
    }
    const record = await tx.records.lockRecord(tools.catalog, link.recordId);
    const locked = await tx.links.lockFenced(link.id, link.fence);
    if (locked === null) return stepResult('stale', 'a newer look has this link');
    const local = describeLocal(record, {
      generation: locked.generation,
      ending: locked.state === 'deleting' || locked.detached,
      hasBase: Object.keys(locked.base).length > 0,
    });
    const decision = reconcile(locked.base, local, view.remote, tools.policy);
    return applyDecision({ deps, tx, tools, link: locked }, decision, local, view.remote);
  });
}

/**
 * Reads the other side, decides, and does what the decision asks of Postgres: pull, base, lost values, and the intent
 * for what is to be sent. The decision is made on the locked row, in the transaction that writes it.
 * @throws ApplicationFailure `RemoteTrouble` when the remote could not be read this time
 */
export async function examine(deps: ActivityDeps, open: OpenLink): Promise<StepResult> {
  const link = await deps.store.links.takeFence(open.linkId, open.lookId);
  if (link === null) return stepResult('stale', 'a newer look has this link');
  const held = heldByPause(link);
  if (held !== null) return held;
  const intent = await deps.store.intents.findOpen(link.id);
  if (intent !== null && intent.sends > 0) return stepResult('send', 'an open intent is finished first');
  // Written and never sent: nothing of it can have taken effect, and what stands now decides anew.
  if (intent !== null) await deps.store.intents.supersede(intent.key, link.fence);
  const tools = toolsFor(deps, link.connection, link.catalog);
  const view = await readRemote(deps, tools, link);
  if (view.kind === 'ended') return view.result;
  const firstSight = Object.keys(link.base).length === 0 && link.born === 'remote';
  if (firstSight && view.claims !== null && view.claims !== link.recordId) {
    return foreignClaim(deps, link, view.claims);
  }
  try {
    const result = await decide(deps, tools, link, view, firstSight);
    return { ...result, remoteId: link.remoteId, requestId: view.requestId };
  } catch (error) {
    const refused = refusedHere(error);
    if (refused === null) throw error;
    return park(deps, link, refused, 'parked: our own database refuses it');
  }
}
