import type { Connector, RemoteEvent } from '../connectors/connector';
import { hear } from './door';
import type { DoorPorts } from './door';
import { setAside } from './setAside';

export interface PagePorts extends DoorPorts {
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** One event, by what came of it: its result, `repeated`, or `failed` where it is read again. */
  readonly heard: (connection: string, result: string) => void;
}

/** An event that cannot be taken in is tried in so many polls; then it is set aside. */
const ATTEMPTS_MAX = 5;

/** How often each event was tried that could not be taken in and is not set aside yet. */
const failing = new WeakMap<Connector, Map<string, number>>();

/**
 * An event that could not be taken in keeps no other one waiting: it is read again at the next polls, and set aside in the end.
 * @returns what became of it: `left` for the next poll, `repeated` when it stands after all
 * @throws where Postgres does not answer: that is no event's fault
 */
async function afterTrouble(
  ports: PagePorts,
  connector: Connector,
  event: RemoteEvent,
  error: unknown,
): Promise<'left' | 'set_aside' | 'repeated'> {
  const { connection } = connector;
  if ((await ports.store.events.knownEvents(connection, [event.id])).has(event.id)) return 'repeated';
  const tries = failing.get(connector) ?? new Map<string, number>();
  failing.set(connector, tries);
  const attempt = (tries.get(event.id) ?? 0) + 1;
  tries.set(event.id, attempt);
  // A driver's message may quote values: its name and code tell enough.
  const { name, code } = error instanceof Error ? (error as Error & { code?: unknown }) : {};
  const said = { connection, event: event.id, type: event.type, error: name, code, attempt };
  if (attempt < ATTEMPTS_MAX) {
    ports.log.warn(said, 'an event could not be taken in; the others go on, and it is read again');
    return 'left';
  }
  const found = await setAside(ports.store, connector, event);
  tries.delete(event.id);
  ports.log.error({ ...said, found_by: found }, 'an event could not be taken in and was set aside');
  return 'set_aside';
}

/**
 * A page's events that are not known yet come in through the door, oldest first, each by itself.
 * @returns how many were new, and how many must be read again
 */
export async function takeInPage(
  ports: PagePorts,
  connector: Connector,
  events: readonly RemoteEvent[],
  until: number,
): Promise<{ readonly fresh: number; readonly left: number }> {
  const { connection } = connector;
  const ids = events.map((event) => event.id);
  const known = await ports.store.events.knownEvents(connection, ids);
  let fresh = 0;
  let left = 0;
  for (const event of events.toReversed()) {
    if (known.has(event.id) || event.createdAt < until) continue;
    let result: Awaited<ReturnType<typeof hear>> | 'left';
    try {
      result = await hear(ports, connector, event, 'poll');
      failing.get(connector)?.delete(event.id);
    } catch (error) {
      result = await afterTrouble(ports, connector, event, error);
    }
    ports.heard(connection, result === 'left' ? 'failed' : result);
    if (result === 'left') left += 1;
    else if (result !== 'repeated') fresh += 1;
  }
  return { fresh, left };
}
