/** Objects that count as deleted here, by the system's own word or a confirmation of our own deletion, and are in its list. */
import type { RemoteCatalog, RemoteObject } from '../../src/connectors/connector';
import type { RemoteFailure } from '../../src/core/failure';
import type { Reason } from '../../src/core/reason';
import type { Statements } from '../../src/store/store';
import type { Finding } from '../../src/store/sweepFindings';
import type { EndedLink } from '../../src/store/sweepReadings';
import { noteCall } from '../deps';
import type { SweepTask } from './steps';

const STANDING: Reason = { code: 'remote_standing', field: null, detail: null };

/**
 * A list may show what is gone since, so each of them is read: only what stands by its own id stands.
 * @returns the failure when one could not be read
 */
export async function readStanding(
  { deps, connection, catalog }: SweepTask,
  remote: RemoteCatalog,
  objects: readonly RemoteObject[],
  readAt: string,
): Promise<readonly EndedLink[] | { readonly failure: RemoteFailure }> {
  const standing: EndedLink[] = [];
  const ids = objects.map(({ remoteId }) => remoteId);
  const at = { connection, catalog: catalog.name };
  for (const link of await deps.store.sweepReadings.endedObjects(at, ids, readAt)) {
    const answer = await remote.read(link.remoteId);
    noteCall(deps, connection, 'read', answer);
    if (answer.kind === 'failed' && answer.failure.kind !== 'gone') return { failure: answer.failure };
    if (answer.kind === 'answered' && answer.value.kind === 'present') standing.push(link);
  }
  return standing;
}

/** Parks each, and brings nothing back: which of the two sides is right is for a person to say. */
export async function parkStanding(tx: Statements, standing: readonly EndedLink[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { id: linkId, recordId, remoteId } of standing) {
    if (!(await tx.links.standsAgain(linkId, STANDING))) continue;
    findings.push({ recordId, linkId, remoteId, side: 'there', kind: 'standing', fields: [] });
  }
  return findings;
}
