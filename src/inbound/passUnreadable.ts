import type { Connector, RemoteEvent } from '../connectors/connector';
import { heard, storePassing } from './door';
import type { PagePorts } from './takeInPage';

/** What the row of something is called that says no type of its own. */
const TYPE = 'unreadable';

/**
 * What stands in the list of events and is none keeps no other waiting. It is set aside at once, for no other reading will make more
 * of it: stored under its name, so that it is told once, and a sweep is asked for, which finds what it may have meant.
 * @param now Unix milliseconds
 * @returns how many were new
 */
export async function passUnreadable(
  { store, log, heard: counted }: PagePorts,
  connector: Connector,
  names: readonly string[],
  now: number,
): Promise<number> {
  if (names.length === 0) return 0;
  const { connection } = connector;
  const known = await store.events.knownEvents(connection, names);
  const fresh = [...new Set(names)].filter((name) => !known.has(name));
  if (fresh.length === 0) return 0;
  await store.transact(async (tx) => {
    for (const id of fresh) {
      const createdAt = Math.floor(now / 1_000);
      const event: RemoteEvent = {
        id,
        type: TYPE,
        createdAt,
        subject: null,
        causedByKey: null,
        account: null,
        live: false,
      };
      await storePassing(tx, heard(connector, event, 'poll', { result: 'set_aside', recordId: null }), null);
    }
    await tx.sweeps.request(connection, 'gap');
  });
  for (const event of fresh) {
    counted(connection, 'set_aside');
    log.error(
      { connection, event },
      'something in the list of events is none; it was set aside, and a sweep asked for',
    );
  }
  return fresh.length;
}
