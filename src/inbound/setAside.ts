import type { Connector, RemoteEvent } from '../connectors/connector';
import type { Statements, Store } from '../store/store';
import { heard, storePassing } from './door';

/** Where what the event may have told is found out. */
type Aside = 'look' | 'sweep' | 'nowhere';

async function keep(
  tx: Statements,
  connector: Connector,
  event: RemoteEvent,
  known: RemoteEvent['subject'],
): Promise<Aside> {
  const { connection } = connector;
  const link = known === null ? null : await tx.links.findByRemote(connection, known.catalog, known.remoteId);
  const made = { result: 'set_aside', recordId: link?.recordId ?? null } as const;
  await storePassing(tx, heard(connector, { ...event, subject: known }, 'poll', made), link && 'poll');
  if (event.subject === null) return 'nowhere';
  if (link !== null) return 'look';
  await tx.sweeps.request(connection, 'gap');
  return 'sweep';
}

/**
 * Keeps the id of an event that cannot be taken in, so that it holds up no other. It is a hint like any other as far as its record
 * is known; else a sweep is asked for, which finds what it may have told.
 */
export async function setAside(
  { transact }: Pick<Store, 'transact'>,
  connector: Connector,
  event: RemoteEvent,
): Promise<Aside> {
  try {
    return await transact((tx) => keep(tx, connector, event, event.subject));
  } catch {
    // What it says of its object may be just what Postgres does not hold. Where Postgres is away, this throws as well.
    return transact((tx) => keep(tx, connector, event, null));
  }
}
