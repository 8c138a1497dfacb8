import type { Connector, RemoteEvent } from '../connectors/connector';
import type { RemoteFailure } from '../core/failure';
import { TREATMENT } from '../core/failure';
import type { Store } from '../store/store';
import { hear } from './door';
import type { DoorPorts } from './door';

export interface PollPorts extends DoorPorts {
  /** Name of this process, for the lease. */
  readonly poller: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Resolves after `ms` or when the poller is stopped. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  readonly heard: (connection: string, result: string) => void;
}

const PAGE_EVENTS = 100;
/** 50,000 events in one poll; what is older is the sweep's to find. */
const PAGES_MAX = 500;
/** Events surface late and their times tie: a page ends the reading only when all of it is known and older than this. */
const LATE_S = 10;
/** Once a minute the reading goes further back, for stragglers. */
const OVERLAP_S = 300;
const OVERLAP_EVERY_MS = 60_000;
/** After this many polls without anything new the poller slows down. */
const IDLE_AFTER_POLLS = 5;
const IDLE_MS = 10_000;
/**
 * A killed poller is replaced after this long. A reading that takes longer may meet a second poller, which is harmless:
 * events are stored once per id.
 */
const LEASE_MS = 15_000;
/** A server without an event list is asked again this often, in case it learns. */
const DEGRADED_MS = 600_000;

type PollResult =
  | { readonly kind: 'read'; readonly fresh: number }
  | { readonly kind: 'held' }
  | { readonly kind: 'failed'; readonly failure: RemoteFailure };

interface Reading {
  readonly unknown: readonly RemoteEvent[];
  readonly newest: number | null;
}

/** Pages back until a whole page is known and old enough. Newest first. */
async function readBack(
  ports: PollPorts,
  connector: Connector,
  until: number,
): Promise<Reading | { failure: RemoteFailure }> {
  const unknown: RemoteEvent[] = [];
  let newest: number | null = null;
  let before: string | null = null;
  for (let page = 0; page < PAGES_MAX && connector.listEvents !== null; page += 1) {
    const answer = await connector.listEvents({ before, limit: PAGE_EVENTS });
    if (answer.kind === 'failed') return { failure: answer.failure };
    const { events, hasMore } = answer.value;
    const known = await ports.store.events.knownEvents(
      connector.connection,
      events.map((event) => event.id),
    );
    unknown.push(...events.filter((event) => !known.has(event.id)));
    newest ??= events[0]?.createdAt ?? null;
    const last = events.at(-1);
    // A page of old events ends the reading even when some are unknown: they are older than this database's set-up.
    if (!hasMore || last === undefined || last.createdAt < until) break;
    before = last.id;
  }
  return { unknown, newest };
}

/** Reads what is new in one connection's event list, oldest first, through the same door as webhooks. */
export async function pollOnce(ports: PollPorts, connector: Connector): Promise<PollResult> {
  const { connection } = connector;
  if (!(await ports.store.cursors.leasePoll(connection, ports.poller, LEASE_MS))) return { kind: 'held' };
  const cursor = await ports.store.cursors.readCursor(connection);
  if (cursor === null) return { kind: 'held' };
  const overlapped = cursor.overlapAgeMs >= OVERLAP_EVERY_MS;
  const until = cursor.createdAt - (overlapped ? OVERLAP_S : LATE_S);
  const reading = await readBack(ports, connector, until);
  if ('failure' in reading) return { kind: 'failed', failure: reading.failure };
  let fresh = 0;
  for (const event of reading.unknown.toReversed()) {
    if (event.createdAt < until) continue;
    const result = await hear(ports, connector, event, 'poll');
    ports.heard(connection, result);
    if (result !== 'repeated') fresh += 1;
  }
  await ports.store.cursors.moveCursor(connection, { createdAt: reading.newest, overlapped });
  return { kind: 'read', fresh };
}

/**
 * Commits the first cursor: everything from now on is heard, whichever way. Taken from the newest event, because the
 * system's clock and ours may differ.
 */
export async function startPolling(
  ports: Pick<PollPorts, 'store' | 'now'>,
  connector: Connector,
): Promise<RemoteFailure | null> {
  if (connector.listEvents === null) return null;
  if ((await ports.store.cursors.readCursor(connector.connection)) !== null) return null;
  const answer = await connector.listEvents({ before: null, limit: 1 });
  if (answer.kind === 'failed') return answer.failure;
  const newest = answer.value.events[0]?.createdAt ?? Math.floor(ports.now() / 1000);
  await ports.store.cursors.startCursor(connector.connection, newest);
  return null;
}

async function afterFailure(
  ports: PollPorts,
  connector: Connector,
  failure: RemoteFailure,
): Promise<number | null> {
  const { connection } = connector;
  if (failure.kind === 'gone') {
    if (await ports.store.connections.noteDegraded(connection, 'events')) {
      ports.log.warn(
        { connection },
        'degraded: this server has no event list; changes there are heard by webhook only',
      );
    }
    return DEGRADED_MS;
  }
  if (TREATMENT[failure.kind].treatment === 'pause') {
    await ports.store.connections.pause(connection, { code: 'unauthorized', detail: failure.code });
    ports.log.error({ connection, code: failure.code }, 'connection paused: the key was refused');
  }
  return failure.retryAfterMs;
}

async function isPaused(store: Pick<Store, 'connections'>, connector: Connector): Promise<boolean> {
  return ((await store.connections.find(connector.connection))?.paused ?? null) !== null;
}

/** Polls one connection until `stopped` says so. Another process that holds the lease leaves this one idle. */
export async function runPoller(
  ports: PollPorts,
  connector: Connector,
  pollMs: number,
  stopped: () => boolean,
): Promise<void> {
  let idle = 0;
  while (!stopped()) {
    let pause_ms = idle >= IDLE_AFTER_POLLS ? Math.max(pollMs, IDLE_MS) : pollMs;
    try {
      if (!(await isPaused(ports.store, connector))) {
        const failure = await startPolling(ports, connector);
        const result: PollResult =
          failure === null ? await pollOnce(ports, connector) : { kind: 'failed', failure };
        idle = result.kind === 'read' && result.fresh > 0 ? 0 : idle + 1;
        if (result.kind === 'failed')
          pause_ms = (await afterFailure(ports, connector, result.failure)) ?? pause_ms;
      }
    } catch (error) {
      ports.log.warn(
        { err: error, connection: connector.connection },
        'the event poll failed; it is tried again',
      );
    }
    await ports.sleep(pause_ms);
  }
  try {
    await ports.store.cursors.releasePoll(connector.connection, ports.poller);
  } catch (error) {
    ports.log.warn(
      { err: error, connection: connector.connection },
      'the poll lease was not released; it runs out',
    );
  }
}
