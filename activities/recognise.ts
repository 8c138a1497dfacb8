import type { RemoteObject } from '../src/connectors/connector';
import type { RecordId } from '../src/core/ids';
import type { Work } from './applyDecision';
import { stepResult } from './stepResult';
import type { StepResult } from './stepResult';

/** Those of the objects alike that stand for nobody here. */
async function candidates({ tx, tools, link, alike }: Work): Promise<RemoteObject[]> {
  const free: RemoteObject[] = [];
  for (const object of alike?.objects ?? []) {
    const holder = await tx.links.findByRemote(link.connection, link.catalog, object.remoteId);
    if (holder !== null && (holder.state !== 'reserved' || holder.born !== 'remote')) continue;
    const record = holder === null ? null : await tx.records.readRecord(tools.catalog, holder.recordId);
    if (record === null || record.kind === 'absent') free.push(object);
  }
  return free;
}

function makeWay({ tx, link, tools }: Work, recordId: RecordId): Promise<boolean> {
  return tx.adoption.makeWay({ connection: link.connection, catalog: tools.catalog }, recordId);
}

/** Whether this link's object may become the record's: no other may be meant as well, and the record's reservation gives way. */
export async function takesOver(work: Work, recordId: RecordId): Promise<boolean> {
  const others = (await candidates(work)).filter(({ remoteId }) => remoteId !== work.link.remoteId);
  return others.length === 0 && makeWay(work, recordId);
}

/**
 * A record that stood here before the two sides met is not created there while an object of the same person stands there: the
 * only one is linked to it.
 * @returns null when there is none, or none that can be told to be the one
 */
export async function meet(work: Work, what: string): Promise<StepResult | null> {
  const { tx, link, tools, alike } = work;
  const objects = await candidates(work);
  const [only] = objects;
  if (alike === null || only === undefined || objects.length > 1) return null;
  const matches = await tx.records.findRecognised(tools.catalog, link.connection, alike.value);
  if (matches.length !== 1 || matches[0]?.recordId !== link.recordId) return null;
  if (!(await makeWay(work, link.recordId))) return null;
  const { connection, catalog, recordId } = link;
  const { remoteId } = only;
  const object = await tx.links.reserveForRemote({ connection, catalog, remoteId, deleted: false });
  await tx.links.moveToRecord(object.id, recordId);
  await tx.queue.enqueue(catalog, [recordId], 'recognised');
  return stepResult('again', `${what}: recognised as what stands there`, { remoteId });
}
