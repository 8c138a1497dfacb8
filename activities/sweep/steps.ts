/** One bounded step of a sweep: a page of the other side's list, or a batch of our links or records. */
import type { Catalog } from '../../src/catalogs/catalog';
import type { ObjectPage, RemoteObject } from '../../src/connectors/connector';
import type { Answer } from '../../src/core/failure';
import type { RemoteFailure } from '../../src/core/failure';
import type { ConnectionName, RecordId, RemoteId } from '../../src/core/ids';
import { parseRecordId, parseRemoteId, trusted } from '../../src/core/ids';
import type { Statements } from '../../src/store/store';
import type { Sweep, SweepPhase } from '../../src/store/sweeps';
import type { Finding } from '../../src/store/sweepFindings';
import type { ListedLink } from '../../src/store/sweepReadings';
import { noteCall } from '../deps';
import type { ActivityDeps } from '../deps';
import { adoptMarked, findReplaceable } from './adoptMarked';
import type { Replaceable } from './adoptMarked';
import { isKnown, judgeLink, judgeObject, judgeRecord } from './judge';
import { parkStanding, readStanding } from './stillStanding';

/** The most that Stripe gives in one page: 100,000 customers are 1,000 calls. */
const PAGE_OBJECTS = 100;
const BATCH_ROWS = 1_000;
/** What a recovering connection's records wait for at most; they are released when its sweep is done. */
const RECOVERY_WAIT_MS = 600_000;

export interface SweepTask {
  readonly deps: ActivityDeps;
  readonly sweep: Sweep;
  readonly connection: ConnectionName;
  readonly catalog: Catalog;
}

/** Another attempt has gone on from the same place: what this one did is taken back. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/** Where a batch ended, and what it found. */
interface Batch {
  readonly phase: SweepPhase;
  readonly place: string | null;
  readonly findings: readonly Finding[];
  /** Records to look at besides, which are no findings. */
  readonly besides?: readonly RecordId[];
  readonly calls?: number;
  readonly objects?: number;
  readonly known?: number;
  readonly records?: number;
}

/** Findings, hints and the sweep's new place are committed together, or not at all. */
async function commit(
  { sweep, connection, catalog }: SweepTask,
  tx: Statements,
  batch: Batch,
): Promise<void> {
  const { findings, besides = [], calls = 0, objects = 0, records = 0, known = 0, phase, place } = batch;
  const ids = [...besides, ...findings.map(({ recordId }) => recordId)];
  const recovers = sweep.cause === 'recovered';
  if (findings.length > 0) await tx.sweepFindings.noteFindings(sweep.id, catalog.name, findings);
  const hint = recovers ? 'recovered' : 'sweep';
  const queued = ids.length === 0 ? [] : await tx.queue.enqueuePassing(catalog.name, ids, hint);
  if (recovers && queued.length > 0) {
    await tx.queue.holdFor(catalog.name, queued, { on: connection, ms: RECOVERY_WAIT_MS });
  }
  const counts = { calls, objects, records, found: findings.length, known };
  const step = { catalog: catalog.name, phase, place, ...counts };
  if (!(await tx.sweeps.advance(sweep, step))) throw new Overtaken('Another attempt goes on with this sweep');
}

/** Objects without a link here, sorted by what is to be done about them. */
interface Strangers {
  readonly findings: Finding[];
  readonly owners: RecordId[];
  readonly linkIds: number[];
}

async function takeIn(
  task: SweepTask,
  tx: Statements,
  unknown: readonly RemoteObject[],
  replaceable: Replaceable,
): Promise<Strangers> {
  const { sweep, connection, catalog } = task;
  const strangers: Strangers = { findings: [], owners: [], linkIds: [] };
  const births: RemoteId[] = [];
  for (const object of unknown) {
    const { remoteId, claims } = object;
    const adopted = sweep.cause === 'recovered' ? await adoptMarked(task, tx, object, replaceable) : null;
    if (adopted !== null) {
      strangers.linkIds.push(adopted.linkId);
      strangers.findings.push({ ...adopted, side: 'there', kind: 'adopted', fields: [] });
      continue;
    }
    const owned = claims !== null && (await tx.intents.hasOpenCreate(connection, catalog.name, claims));
    if (owned && claims !== null) strangers.owners.push(claims);
    else births.push(remoteId);
  }
  const born = births.length === 0 ? [] : await tx.adoption.reserveAll({ connection, catalog }, births);
  for (const { linkId, recordId, remoteId } of born) {
    strangers.linkIds.push(linkId);
    strangers.findings.push({ recordId, linkId, remoteId, side: 'there', kind: 'created', fields: [] });
  }
  return strangers;
}

/**
 * The door may have reserved a record id of its own for an object that bears our mark, before anybody said that a backup was
 * restored. Nothing was made of it yet, so the reservation is let go.
 */
async function letGoOfReserved(
  { sweep, connection, catalog }: SweepTask,
  tx: Statements,
  object: RemoteObject,
  link: ListedLink,
): Promise<boolean> {
  const { claims } = object;
  if (sweep.cause !== 'recovered' || claims === null || claims === link.recordId) return false;
  return tx.links.releaseReservation(connection, catalog.name, object.remoteId);
}

/** One page of the other side's list, compared with what was agreed. */
export async function sweepObjects(task: SweepTask): Promise<RemoteFailure | null> {
  const { deps, sweep, connection, catalog } = task;
  const recovers = sweep.cause === 'recovered';
  const remote = deps.connectors.get(connection)?.catalogs.get(catalog.name);
  if (remote === undefined) throw new Error(`${connection} has no catalog ${catalog.name} here`);
  const readAt = await deps.store.sweepReadings.now();
  const answer: Answer<ObjectPage> = await remote.list({
    after: sweep.place,
    limit: PAGE_OBJECTS,
  });
  noteCall(deps, connection, 'list', answer);
  if (answer.kind === 'failed') return answer.failure;
  const { objects, next, unreadable = [] } = answer.value;
  const unread = unreadable.flatMap((name) => parseRemoteId(name) ?? []);
  if (unreadable.length > 0) {
    const said = { connection, sweep: sweep.id, objects: unreadable };
    deps.log.error(said, 'what the list shows cannot be read: it is passed by, and the others go on');
  }
  const replaceable = await findReplaceable(task, remote, objects);
  if ('failure' in replaceable) return replaceable.failure;
  const standing = await readStanding(task, remote, objects, readAt);
  if ('failure' in standing) return standing.failure;
  await deps.store.transact(async (tx) => {
    const at = { connection, catalog: catalog.name };
    const ids = [...objects.map(({ remoteId }) => remoteId), ...unread];
    const links = await tx.sweepReadings.linksOfObjects(at, ids, readAt);
    const byId = new Map(links.map((link) => [link.remoteId, link]));
    const findings: Finding[] = [];
    const unknown: RemoteObject[] = [];
    const again: RecordId[] = [];
    // what is listed is not missing, though it cannot be read
    const seen = links.flatMap(({ id, remoteId }) => (unread.includes(remoteId) ? id : []));
    for (const object of objects) {
      const link = byId.get(object.remoteId);
      if (link === undefined || (await letGoOfReserved(task, tx, object, link))) {
        unknown.push(object);
        continue;
      }
      seen.push(link.id);
      // While it recovers nothing is looked at, and what is queued must be marked.
      const finding = judgeObject(catalog, object, recovers ? { ...link, tended: false } : link);
      if (finding === 'again') again.push(link.recordId);
      else if (finding !== null) findings.push(finding);
    }
    const strangers = await takeIn(task, tx, unknown, replaceable);
    await tx.sweepReadings.noteSeen(sweep.id, [...seen, ...strangers.linkIds]);
    await commit(task, tx, {
      phase: next === null ? 'links' : 'objects',
      place: next,
      findings: [...findings, ...strangers.findings, ...(await parkStanding(tx, standing))],
      // what stands there is theirs
      besides: [...again, ...strangers.owners],
      calls: 1,
      objects: objects.length,
    });
  });
  return null;
}

/** A batch of our links: who was not in the list, whose record is gone, what no look has finished. */
export async function sweepLinks(task: SweepTask): Promise<void> {
  const { deps, sweep, connection, catalog } = task;
  await deps.store.transact(async (tx) => {
    const at = { sweepId: sweep.id, connection, catalog };
    const links = await tx.sweepReadings.linksAfter(at, Number(sweep.place ?? 0), BATCH_ROWS);
    const last = links.length < BATCH_ROWS ? null : (links.at(-1)?.id ?? null);
    await commit(task, tx, {
      phase: last === null ? 'records' : 'links',
      place: last === null ? null : String(last),
      findings: links.flatMap((link) => judgeLink(link) ?? []),
      known: links.filter(isKnown).length,
    });
  });
}

/**
 * A batch of our records: what was written here past the triggers.
 * @returns whether it was the last one
 */
export async function sweepRecords(task: SweepTask): Promise<boolean> {
  const { deps, sweep, connection, catalog } = task;
  return deps.store.transact(async (tx) => {
    const after = sweep.place === null ? null : trusted(parseRecordId(sweep.place), 'record id');
    const records = await tx.sweepReadings.recordsAfter(connection, catalog, after, BATCH_ROWS);
    await commit(task, tx, {
      phase: 'records',
      place: records.at(-1)?.recordId ?? sweep.place,
      findings: records.flatMap((record) => judgeRecord(catalog, record) ?? []),
      records: records.length,
    });
    return records.length < BATCH_ROWS;
  });
}
