import { asSent } from '../src/catalogs/catalog';
import { assertNever } from '../src/core/assertNever';
import type { Base, Fields } from '../src/core/fields';
import { keyPrefix } from '../src/connectors/connector';
import type { LostValue } from '../src/core/merge';
import { calm } from '../src/core/pingPong';
import { alsoHeld } from '../src/core/rank';
import type { Held } from '../src/core/rank';
import { droppedFields, equalsBase } from '../src/core/merge';
import type { Decision, Step } from '../src/core/reconcile';
import type { Local, Remote } from '../src/core/sides';
import type { Reason } from '../src/core/reason';
import type { Intent, IntentKind } from '../src/store/intents';
import type { LinkPatch } from '../src/store/links';
import type { LiveRecord } from '../src/store/records';
import { neverAgreed } from './agreement';
import type { Alike } from './alike';
import type { LinkTools } from './deps';
import { droppedReason } from './failures';
import { guardDeletion } from './guardDeletion';
import { meet, takesOver } from './recognise';
import { refusedBefore, replacedBy } from './refusedBefore';
import { stepResult } from './stepResult';
import type { StepResult } from './stepResult';
import { DELETED, IN_SYNC, tellOtherLinks, writeLink } from './writeLink';
import type { HeldLink } from './writeLink';

/** One link's work inside one transaction that holds the record and the link. */
export interface Work extends HeldLink {
  readonly tools: LinkTools;
  /** Values standing here that came from other systems. */
  readonly held: Held;
  /** Due since before an older backup was restored, or since the recovery. */
  readonly recovered: boolean;
  /** Objects there that may be the same, where the two sides meet for the first time. */
  readonly alike: Alike | null;
  /** Told of the intent that is written. */
  readonly wrote: (intent: Intent) => void;
}

type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

/** An intent is written: what it comes to is for its answer to say. A question to a person stays one. */
const PENDING: LinkPatch = { outcome: 'pending', reason: null };

/** How a decision reads in the history and on the link: names only, never values. */
function describe(decision: Decision): string {
  const { step, cell } = decision;
  const parts = [`${cell.local}/${cell.remote}`, step.kind];
  if (step.kind === 'merge') {
    const names = { pull: Object.keys(step.pull), push: Object.keys(step.push), ask: step.asks };
    for (const [verb, fields] of Object.entries(names))
      if (fields.length > 0) parts.push(`${verb}:${fields.join(',')}`);
  }
  return parts.join(' ');
}

/** Commits what is to be sent, before it is sent. */
async function writeIntent(
  work: Work,
  kind: IntentKind,
  values: Fields,
  version: number,
  theirs: Fields,
): Promise<void> {
  const { deps, tx, link, tools, wrote } = work;
  const replaces = replacedBy(work, kind, values, theirs);
  const key = keyPrefix(deps.installation, link.connection) + deps.random.uuid();
  wrote(
    await tx.intents.openIntent({
      key,
      linkId: link.id,
      kind,
      values: asSent(tools.catalog, values),
      replaces,
      version,
    }),
  );
}

/** The base after values were written here: the pair is what stands here then and what stands there. */
function pulledBase(base: Base, pull: Fields, row: LiveRecord): Base {
  const pairs = Object.keys(pull).map((field) => [
    field,
    { ours: row.fields[field] ?? null, theirs: pull[field] ?? null, pulled: true as const },
  ]);
  return { ...base, ...Object.fromEntries(pairs) };
}

/** Why a merged link is not in sync all the same; the most urgent first. */
function parkReason(fields: Record<'stopped' | 'asks' | 'dropped', readonly string[]>): Reason | null {
  const { stopped, asks, dropped } = fields;
  if (stopped.length > 0) return { code: 'ping_pong', field: stopped.join(','), detail: null };
  if (asks.length > 0) return { code: 'conflict', field: asks.join(','), detail: null };
  return dropped.length > 0 ? droppedReason(dropped) : null;
}

async function merge(
  work: Work,
  decided: StepOf<'merge'>,
  local: Local,
  theirs: Fields,
  cell: string,
): Promise<StepResult> {
  const { tx, link, tools } = work;
  if (!('fields' in local)) throw new Error(`A merge was decided for a record that does not stand here`);
  const { base: before, swings, readAt_s } = link;
  const sides = { base: before, ours: local.fields, theirs, swings, now_s: readAt_s };
  const step = calm(decided, sides, tools.policy);
  const what = step.stopped.length === 0 ? cell : `${cell} stopped:${step.stopped.join(',')}`;
  const asks = decided.asks.filter((field) => !step.stopped.includes(field));
  await tx.conflicts.recordLost(link, step.lost);
  await tx.conflicts.closeQuestions(link.id, [...asks, ...step.stopped]);
  let row: LiveRecord = { fields: local.fields, version: local.version };
  const pulls = Object.keys(step.pull).length > 0;
  if (pulls) {
    row = await tx.records.updatePulled(tools.catalog, link.recordId, step.pull);
    await tellOtherLinks(work);
  }
  const { policy } = tools;
  const agreedBase = alsoHeld(link.base, step.base, { held: work.held, fields: row.fields, policy });
  const base = pulledBase(agreedBase, step.pull, row);
  const due = Object.keys(step.push).length > 0;
  const dropped = droppedFields(base, tools.policy).filter((field) => !(field in step.push));
  const refused = due ? refusedBefore(work, 'update', step.push, row.version, theirs) : null;
  const pushes = due && refused === null;
  const parkedFor = parkReason({ stopped: step.stopped, asks, dropped: due ? [] : dropped }) ?? refused;
  const agreed = equalsBase(base, row.fields, tools.policy) ? { agreedVersion: row.version } : {};
  const parked: LinkPatch = { outcome: 'parked', reason: parkedFor };
  const outcome: LinkPatch = parkedFor === null ? (pushes ? PENDING : IN_SYNC) : parked;
  await writeLink(work, {
    state: 'linked',
    detached: false,
    base,
    swings: step.swings,
    decision: { what },
    ...agreed,
    ...outcome,
  });
  if (pushes) await writeIntent(work, 'update', step.push, row.version, theirs);
  const result = { version: row.version, direction: pulls ? ('in' as const) : null };
  if (pushes) return stepResult('send', what, result);
  return parkedFor === null
    ? stepResult('done', what, result)
    : stepResult('parked', what, { ...result, reason: parkedFor });
}

/** An object born there becomes a record here, or is linked to the one record that is recognised as the same. */
async function createLocal(work: Work, step: StepOf<'create-local'>, what: string): Promise<StepResult> {
  const { tx, link, tools } = work;
  const { recognisedBy } = tools.catalog;
  const value = recognisedBy === null ? null : (step.values[recognisedBy] ?? null);
  const matches =
    value === null ? [] : await tx.records.findRecognised(tools.catalog, link.connection, value);
  const [only] = matches;
  if (matches.length === 1 && only?.free === true && (await takesOver(work, only.recordId))) {
    await tx.links.moveToRecord(link.id, only.recordId);
    await tx.queue.enqueue(link.catalog, [only.recordId], 'recognised');
    return stepResult('done', `${what}: recognised as ${only.recordId}`);
  }
  const row = await tx.records.insertPulled(tools.catalog, link.recordId, step.values);
  await tellOtherLinks(work);
  await writeLink(work, {
    ...IN_SYNC,
    state: 'linked',
    base: pulledBase({}, step.values, row),
    agreedVersion: row.version,
    possibleDuplicate: matches.length > 0,
    decision: { what },
  });
  return stepResult('done', what, { version: row.version, direction: 'in' });
}

async function createRemote(
  work: Work,
  step: StepOf<'create-remote'>,
  local: Local,
  what: string,
): Promise<StepResult> {
  if (!('version' in local)) throw new Error('A creation was decided for a record that does not stand here');
  const met = await meet(work, what);
  if (met !== null) return met;
  const reason = refusedBefore(work, 'create', step.values, local.version, {});
  if (reason !== null) {
    await writeLink(work, { state: 'reserved', outcome: 'parked', reason, decision: { what } });
    return stepResult('parked', `${what}: refused before`, { reason });
  }
  const flag = work.alike !== null && work.alike.objects.length > 0 ? { possibleDuplicate: true } : {};
  await writeLink(work, { ...PENDING, ...flag, state: 'reserved', decision: { what } });
  await writeIntent(work, 'create', step.values, local.version, {});
  return stepResult('send', what, { version: local.version });
}

/**
 * An object born there was recognised as a record that was then deleted here, before anything was agreed: that deletion
 * was not about it. It becomes a record of its own.
 */
async function letGo({ tx, link }: Work, what: string): Promise<StepResult> {
  await tx.conflicts.closeQuestions(link.id, []);
  const recordId = await tx.links.moveToNewRecord(link.id);
  await tx.queue.enqueue(link.catalog, [recordId], 'recognised');
  return stepResult('done', `${what}: never agreed, so let go as ${recordId}`);
}

async function deleteRemote(
  work: Work,
  lost: readonly LostValue[],
  local: Local,
  theirs: Fields,
  what: string,
): Promise<StepResult> {
  if (!('version' in local)) throw new Error('A deletion was decided for a record without a tombstone');
  if (neverAgreed(work.link)) return letGo(work, what);
  // Due since before a restored backup, and the object was edited since: whoever did that may have restored the record.
  const doubtful = work.recovered && lost.length > 0;
  const guarded = await guardDeletion(work, { direction: 'out', version: local.version, doubtful }, what);
  if (guarded !== null && guarded !== 'kept') return guarded;
  await work.tx.conflicts.recordLost(work.link, lost);
  await writeLink(work, { ...PENDING, state: 'deleting', detached: false, decision: { what } });
  await writeIntent(work, 'delete', {}, local.version, theirs);
  return stepResult('send', what, { version: local.version });
}

async function deleteLocal(
  work: Work,
  lost: readonly LostValue[],
  local: Local,
  what: string,
): Promise<StepResult> {
  const { tx, link, tools } = work;
  const lives = local.kind !== 'none' && local.kind !== 'deleted';
  if (lives && neverAgreed(link)) {
    // It was only recognised as this record: that deletion was not about it.
    await writeLink(work, { ...DELETED, state: 'retired', remoteDeleted: true, decision: { what } });
    return stepResult('again', `${what}: never agreed, so our record stays`);
  }
  const guarded = lives ? await guardDeletion(work, { direction: 'in', version: 0 }, what) : null;
  if (guarded === 'kept') {
    await writeLink(work, { ...DELETED, state: 'retired', remoteDeleted: true, decision: { what } });
    return stepResult('again', `${what}: kept here`);
  }
  if (guarded !== null) return guarded;
  await tx.conflicts.recordLost(link, lost);
  if (lives) {
    await tx.records.deletePulled(tools.catalog, link.recordId);
    await tellOtherLinks(work);
  }
  await writeLink(work, { ...DELETED, state: 'retired', remoteDeleted: true, decision: { what } });
  return stepResult('done', what, { direction: 'in' });
}

/** Does in Postgres what the decision asks, and says how the look goes on. Nothing here calls a remote system. */
export async function applyDecision(
  work: Work,
  decision: Decision,
  local: Local,
  remote: Remote,
): Promise<StepResult> {
  const { step } = decision;
  const what = describe(decision);
  const theirs = 'fields' in remote ? remote.fields : {};
  const gone: LinkPatch = remote.kind === 'deleted' ? { remoteDeleted: true } : {};
  switch (step.kind) {
    case 'merge':
      return merge(work, step, local, theirs, what);
    case 'create-local':
      return createLocal(work, step, what);
    case 'create-remote':
      return createRemote(work, step, local, what);
    case 'delete-remote':
      return deleteRemote(work, step.lost, local, theirs, what);
    case 'delete-local':
      return deleteLocal(work, step.lost, local, what);
    case 'detach':
      if (neverAgreed(work.link)) return letGo(work, what);
      await writeLink(work, { ...DELETED, state: 'retired', detached: true, decision: { what } });
      return stepResult('done', what);
    case 'retire':
      await writeLink(work, { ...DELETED, ...gone, state: 'retired', decision: { what } });
      return stepResult('done', what);
    case 'void':
      await writeLink(work, { ...DELETED, ...gone, state: 'void', decision: { what } });
      return stepResult('done', what);
    case 'renew':
      await writeLink(work, { ...DELETED, ...gone, state: 'retired', decision: { what } });
      return stepResult('again', what);
    case 'park-missing': {
      const reason: Reason = { code: 'remote_missing', field: null, detail: null };
      await writeLink(work, { outcome: 'parked', reason, decision: { what } });
      return stepResult('parked', what, { reason });
    }
    case 'wait':
      throw new Error('A look that could not read the other side ends before it decides');
    default:
      return assertNever(step);
  }
}
