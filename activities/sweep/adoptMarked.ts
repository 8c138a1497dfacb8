/** After a restored backup: objects that bear our mark, and the records whose they are as far as our books allow. */
import type { RemoteCatalog, RemoteObject } from '../../src/connectors/connector';
import type { RemoteFailure } from '../../src/core/failure';
import type { RecordId } from '../../src/core/ids';
import type { StandingLink, TakenIn } from '../../src/store/adoption';
import type { Statements } from '../../src/store/store';
import { noteCall } from '../deps';
import type { SweepTask } from './steps';

/** By record, the link whose object is gone by the system's own word while another object bears the record's mark. */
export type Replaceable = ReadonlyMap<RecordId, StandingLink>;

/**
 * A record that was deleted and restored after the backup is linked here to an object that is gone, and its newer object stands
 * in the list. Absence from the list proves nothing, so each such object is read.
 * @returns the failure when one could not be read
 */
export async function findReplaceable(
  { deps, sweep, connection, catalog }: SweepTask,
  remote: RemoteCatalog,
  objects: readonly RemoteObject[],
): Promise<Replaceable | { readonly failure: RemoteFailure }> {
  const found = new Map<RecordId, StandingLink>();
  const claimed = objects.flatMap(({ claims }) => claims ?? []);
  if (sweep.cause !== 'recovered' || claimed.length === 0) return found;
  const listed = new Set(objects.map(({ remoteId }) => remoteId));
  for (const link of await deps.store.adoption.linkedObjects({ connection, catalog }, claimed)) {
    if (listed.has(link.remoteId)) continue;
    let gone = link.remoteDeleted;
    if (!gone) {
      const answer = await remote.read(link.remoteId);
      noteCall(deps, connection, 'read', answer);
      // not found proves no deletion
      if (answer.kind === 'failed' && answer.failure.kind !== 'gone') return { failure: answer.failure };
      gone = answer.kind === 'answered' && answer.value.kind === 'deleted';
    }
    if (gone) found.set(link.recordId, link);
  }
  return found;
}

/** Ties an object to the record whose mark it bears. @returns null when our books hold something against it */
export async function adoptMarked(
  { connection, catalog }: SweepTask,
  tx: Statements,
  { remoteId, claims: recordId }: RemoteObject,
  replaceable: Replaceable,
): Promise<TakenIn | null> {
  if (recordId === null) return null;
  const gone = replaceable.get(recordId);
  const supplanted = gone === undefined ? null : await tx.adoption.supplant(gone, remoteId);
  if (gone !== undefined && supplanted !== null) await tx.conflicts.closeQuestions(gone.linkId, []);
  return supplanted ?? tx.adoption.adopt({ connection, catalog }, { remoteId, recordId });
}
