import { assertNever } from '../src/core/assertNever';
import type { Base, Fields } from '../src/core/fields';
import { keyPrefix } from '../src/connectors/connector';
import type { LostValue } from '../src/core/merge';
import { droppedFields, equalsBase } from '../src/core/merge';
import type { Decision, Step } from '../src/core/reconcile';
import type { Local, Remote } from '../src/core/sides';
import type { Reason } from '../src/core/reason';
import type { IntentKind } from '../src/store/intents';
import type { Link, LinkPatch } from '../src/store/links';
import type { LiveRecord } from '../src/store/records';
import type { Statements } from '../src/store/store';
import type { ActivityDeps, LinkTools } from './deps';
import { droppedReason } from './failures';
import { stepResult } from './stepResult';
import type { StepResult } from './stepResult';

/** One link's work inside one transaction that holds the record and the link. */
export interface Work {
  readonly deps: ActivityDeps;
  readonly tx: Statements;
  readonly tools: LinkTools;
  readonly link: Link;
}

type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

const IN_SYNC: LinkPatch = { outcome: 'in_sync', reason: null, synced: true, waits: 0 };
/** An intent is written: what it comes to is for its answer to say. A question to a person stays one. */
const PENDING: LinkPatch = { outcome: 'pending', reason: null };
const DELETED: LinkPatch = { outcome: 'deleted', reason: null, synced: true, waits: 0, detached: false };

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

async function write({ tx, link }: Work, patch: LinkPatch): Promise<void> {
  const written = await tx.links.writeFenced(link.id, link.fence, patch);
  if (!written) throw new Error(`The fence of link ${link.id} moved while its row was locked`);
}

/** Other systems must hear of what was pulled here. */
async function tellOtherLinks({ deps, tx, link }: Work): Promise<void> {
  if (deps.connectors.size > 1) await tx.queue.enqueue(link.catalog, [link.recordId], 'pull');
}

/** Commits what is to be sent, before it is sent. `replaces` fingerprints what we know stands there now. */
async function writeIntent(
  work: Work,
  kind: IntentKind,
  values: Fields,
  version: number,
  theirs: Fields,
): Promise<void> {
  const { deps, tx, link, tools } = work;
  const replaces = Object.fromEntries(
    Object.keys(values).map((field) => {
      const canonical = tools.policy.fields[field]?.canonical(theirs[field] ?? null) ?? null;
      return [field, deps.fingerprint(field, canonical)];
    }),
  );
  const key = keyPrefix(deps.installation, link.connection) + deps.random.uuid();
  await tx.intents.openIntent({ key, linkId: link.id, kind, values, replaces, version });
}

/** The base after values were written here: the pair is what stands here then and what stands there. */
function pulledBase(base: Base, pull: Fields, row: LiveRecord): Base {
  const pairs = Object.keys(pull).map((field) => [
    field,
    { ours: row.fields[field] ?? null, theirs: pull[field] ?? null },
  ]);
  return { ...base, ...Object.fromEntries(pairs) };
}

async function merge(
  work: Work,
  step: StepOf<'merge'>,
  local: Local,
  theirs: Fields,
  what: string,
): Promise<StepResult> {
  const { tx, link, tools } = work;
  if (!('fields' in local)) throw new Error(`A merge was decided for a record that does not stand here`);
  await tx.conflicts.recordLost(link, step.lost);
  await tx.conflicts.closeQuestions(link.id, step.asks);
  let row: LiveRecord = { fields: local.fields, version: local.version };
  const pulls = Object.keys(step.pull).length > 0;
  if (pulls) {
    row = await tx.records.updatePulled(tools.catalog, link.recordId, step.pull);
    await tellOtherLinks(work);
  }
  const base = pulledBase(step.base, step.pull, row);
  const pushes = Object.keys(step.push).length > 0;
  const dropped = droppedFields(base, tools.policy).filter((field) => !(field in step.push));
  const parkedFor: Reason | null =
    step.asks.length > 0
      ? { code: 'conflict', field: step.asks.join(','), detail: null }
      : dropped.length > 0 && !pushes
        ? droppedReason(dropped)
        : null;
  if (pushes) await writeIntent(work, 'update', step.push, row.version, theirs);
  const agreed = equalsBase(base, row.fields, tools.policy) ? { agreedVersion: row.version } : {};
  const parked: LinkPatch = { outcome: 'parked', reason: parkedFor };
  const outcome: LinkPatch = parkedFor === null ? (pushes ? PENDING : IN_SYNC) : parked;
  await write(work, { state: 'linked', detached: false, base, decision: { what }, ...agreed, ...outcome });
  const result = { version: row.version, direction: pulls ? ('in' as const) : null };
  if (pushes) return stepResult('send', what, result);
  return parkedFor === null
    ? stepResult('done', what, result)
    : stepResult('parked', what, { ...result, reason: parkedFor });
}

/** An object born there becomes a record here, or is linked to the one record that is recognised as the same. */
async function createLocal(work: Work, step: StepOf<'create-local'>, what: string): Promise<StepResult> {
  const { deps, tx, link, tools } = work;
  const { recognisedBy } = tools.catalog;
  const value = recognisedBy === null ? null : (step.values[recognisedBy] ?? null);
  const matches =
    value === null ? [] : await tx.records.findRecognised(tools.catalog, link.connection, value);
  const [only] = matches;
  if (matches.length === 1 && only?.free === true) {
    await tx.links.moveToRecord(link.id, only.recordId);
    await tx.queue.enqueue(link.catalog, [only.recordId], 'recognised');
    return stepResult('done', `${what}: recognised as ${only.recordId}`);
  }
  const row = await tx.records.insertPulled(tools.catalog, link.recordId, step.values);
  if (deps.connectors.size > 1) await tellOtherLinks(work);
  await write(work, {
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
  await writeIntent(work, 'create', step.values, local.version, {});
  await write(work, { ...PENDING, state: 'reserved', decision: { what } });
  return stepResult('send', what, { version: local.version });
}

/**
 * An object born there was recognised as a record that was then deleted here, before anything was agreed: that deletion
 * was not about it. It becomes a record of its own.
 */
async function letGo({ tx, link }: Work, what: string): Promise<StepResult> {
  const recordId = await tx.links.moveToNewRecord(link.id);
  await tx.queue.enqueue(link.catalog, [recordId], 'recognised');
  return stepResult('done', `${what}: never agreed, so let go as ${recordId}`);
}

async function deleteRemote(
  work: Work,
  lost: readonly LostValue[],
  local: Local,
  what: string,
): Promise<StepResult> {
  if (!('version' in local)) throw new Error('A deletion was decided for a record without a tombstone');
  if (work.link.born === 'remote' && Object.keys(work.link.base).length === 0) return letGo(work, what);
  await work.tx.conflicts.recordLost(work.link, lost);
  await writeIntent(work, 'delete', {}, local.version, {});
  await write(work, { ...PENDING, state: 'deleting', detached: false, decision: { what } });
  return stepResult('send', what, { version: local.version });
}

async function deleteLocal(
  work: Work,
  lost: readonly LostValue[],
  local: Local,
  what: string,
): Promise<StepResult> {
  const { tx, link, tools } = work;
  await tx.conflicts.recordLost(link, lost);
  if (local.kind !== 'none' && local.kind !== 'deleted') {
    await tx.records.deletePulled(tools.catalog, link.recordId);
    await tellOtherLinks(work);
  }
  await write(work, { ...DELETED, state: 'retired', remoteDeleted: true, decision: { what } });
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
      return deleteRemote(work, step.lost, local, what);
    case 'delete-local':
      return deleteLocal(work, step.lost, local, what);
    case 'detach':
      await write(work, { ...DELETED, state: 'retired', detached: true, decision: { what } });
      return stepResult('done', what);
    case 'retire':
      await write(work, { ...DELETED, ...gone, state: 'retired', decision: { what } });
      return stepResult('done', what);
    case 'void':
      await write(work, { ...DELETED, ...gone, state: 'void', decision: { what } });
      return stepResult('done', what);
    case 'renew':
      await write(work, { ...DELETED, ...gone, state: 'retired', decision: { what } });
      return stepResult('again', what);
    case 'park-missing': {
      const reason: Reason = { code: 'remote_missing', field: null, detail: null };
      await write(work, { outcome: 'parked', reason, decision: { what } });
      return stepResult('parked', what, { reason });
    }
    case 'wait':
      throw new Error('A look that could not read the other side ends before it decides');
    default:
      return assertNever(step);
  }
}
