import type { Connector } from '../connectors/connector';
import { UNASKABLE } from '../core/failure';
import type { RemoteFailure } from '../core/failure';
import { TREATMENT } from '../core/failure';
import { passUnreadable } from './passUnreadable';
import { takeInPage } from './takeInPage';
import type { PagePorts } from './takeInPage';

export interface PollPorts extends PagePorts {
  /** Name of this process, for the lease. */
  readonly poller: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Resolves after `ms` or when the poller is stopped. */
  readonly sleep: (ms: number) => Promise<void>;
}

const PAGE_EVENTS = 100;
/** Asked for where only the newest counts: it may be one that cannot be read. */
const NEWEST_EVENTS = 10;
/** 50,000 events in one poll; what is older is a sweep's to find. */
const PAGES_MAX = 500;
/** Stripe lists events for 30 days (docs.stripe.com/api/events/list): beyond this some may be gone, and a sweep is due. */
const GAP_MS = 25 * 24 * 3_600_000;
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
/**
 * Where nothing has happened yet, everything that comes is new: the first cursor then lies so far back that no clock of ours
 * that is ahead of the system's makes its first events look old.
 */
const CLOCKS_APART_S = 24 * 3_600;
/** Whether a paused or dead connection goes on is asked this often, so that its events are read as soon as it does. */
const STANDSTILL_MS = 2_000;
/** A server without an event list is asked again this often, in case it learns. */
const DEGRADED_MS = 600_000;

type PollResult =
  | { readonly kind: 'read'; readonly fresh: number }
  | { readonly kind: 'held' }
  | { readonly kind: 'failed'; readonly failure: RemoteFailure };

type Reading =
  | {
      readonly kind: 'read';
      readonly fresh: number;
      /** Events that could not be taken in and must be read again. */
      readonly left: number;
      readonly newest: number | null;
      readonly whole: boolean;
    }
  | Exclude<PollResult, { kind: 'read' }>;

/**
 * Pages back until a page is older than what was read before. Each page is taken in before the next is asked for: after hours
 * of downtime thousands of events wait, and never more than one page of them is in memory. Newest page first: hints carry no
 * truth, so their order tells nothing. The cursor moves when all of them are in; a killed poller's successor begins again at
 * the newest and skips what is known.
 */
async function readBack(ports: PollPorts, connector: Connector, until: number): Promise<Reading> {
  let fresh = 0;
  let left = 0;
  let newest: number | null = null;
  let before: string | null = null;
  for (let page = 0; page < PAGES_MAX && connector.listEvents !== null; page += 1) {
    if (page > 0 && !(await ports.store.cursors.leasePoll(connector.connection, ports.poller, LEASE_MS))) {
      return { kind: 'held' };
    }
    const answer = await connector.listEvents({ before, limit: PAGE_EVENTS });
    if (answer.kind === 'failed') return answer;
    const { events, hasMore, unreadable = [] } = answer.value;
    const taken = await takeInPage(ports, connector, events, until);
    fresh += taken.fresh + (await passUnreadable(ports, connector, unreadable, ports.now()));
    left += taken.left;
    newest ??= events[0]?.createdAt ?? null;
    const last = events.at(-1);
    // A page of old events ends the reading even when some are unknown: they are older than this database's set-up.
    if (!hasMore || last === undefined || last.createdAt < until) {
      return { kind: 'read', fresh, left, newest, whole: true };
    }
    before = last.id;
  }
  return { kind: 'read', fresh, left, newest, whole: false };
}

/**
 * Events may be lost for good: a sweep compares everything, and reading goes on from now. The cursor is moved first, to what
 * was the newest before the sweep reads anything, so that nothing falls between the two.
 */
async function skipGap(
  ports: PollPorts,
  connector: Connector,
  newest: number | null,
  why: string,
): Promise<void> {
  const { connection } = connector;
  await ports.store.transact(async (tx) => {
    await tx.cursors.moveCursor(connection, { createdAt: newest, overlapped: true });
    await tx.sweeps.replace(connection, 'gap');
  });
  ports.log.warn({ connection }, `${why}: a sweep was asked for, and events are read from now on`);
}

/** Reads what is new in one connection's event list, through the same door as webhooks. */
export async function pollOnce(ports: PollPorts, connector: Connector): Promise<PollResult> {
  const { connection } = connector;
  if (!(await ports.store.cursors.leasePoll(connection, ports.poller, LEASE_MS))) return { kind: 'held' };
  const cursor = await ports.store.cursors.readCursor(connection);
  if (cursor === null || connector.listEvents === null) return { kind: 'held' };
  if (cursor.polledAgeMs > GAP_MS) {
    const answer = await connector.listEvents({ before: null, limit: NEWEST_EVENTS });
    if (answer.kind === 'failed') return answer;
    const newest = answer.value.events[0]?.createdAt ?? null;
    await skipGap(ports, connector, newest, 'events were not read for more than 25 days');
    return { kind: 'read', fresh: 0 };
  }
  const overlapped = cursor.overlapAgeMs >= OVERLAP_EVERY_MS;
  const reading = await readBack(ports, connector, cursor.createdAt - (overlapped ? OVERLAP_S : LATE_S));
  if (reading.kind !== 'read') return reading;
  const { fresh, left, newest, whole } = reading;
  // The cursor stays where it is while an event is to be read again, which is so for a few polls.
  if (whole && left > 0) return { kind: 'read', fresh };
  if (whole) await ports.store.cursors.moveCursor(connection, { createdAt: newest, overlapped });
  else await skipGap(ports, connector, newest, `more than ${PAGES_MAX * PAGE_EVENTS} events were missed`);
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
  const answer = await connector.listEvents({ before: null, limit: NEWEST_EVENTS });
  if (answer.kind === 'failed') return answer.failure;
  const newest = answer.value.events[0]?.createdAt ?? Math.floor(ports.now() / 1000) - CLOCKS_APART_S;
  await ports.store.cursors.startCursor(connector.connection, newest);
  return null;
}

async function afterFailure(
  ports: PollPorts,
  connector: Connector,
  failure: RemoteFailure,
): Promise<number | null> {
  const { connection } = connector;
  if (UNASKABLE.has(failure.kind)) {
    if (await ports.store.connections.noteDegraded(connection, 'events')) {
      ports.log.warn(
        { connection, code: failure.code, status: failure.status },
        'degraded: this server gives no list of events; changes there are heard by webhook only',
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

/**
 * One turn of the poller; null while the connection is at a standstill, for then its list is not read.
 * @returns how many events were new, and how long to stay away where the system has a say in it
 */
async function turn(
  ports: PollPorts,
  connector: Connector,
): Promise<{ readonly fresh: number; readonly pause_ms: number | null } | null> {
  const { connections } = ports.store;
  const { connection } = connector;
  const known = await connections.find(connection);
  if (known !== null && known.standstill !== null) return null;
  const failure = await startPolling(ports, connector);
  const result: PollResult =
    failure === null ? await pollOnce(ports, connector) : { kind: 'failed', failure };
  if (result.kind === 'failed')
    return { fresh: 0, pause_ms: await afterFailure(ports, connector, result.failure) };
  if (result.kind === 'held') return { fresh: 0, pause_ms: null };
  if (known?.degraded.includes('events') === true) await connections.noteAble(connection, 'events');
  return { fresh: result.fresh, pause_ms: null };
}

/**
 * Polls one connection until `stopped` says so. Another process that holds the lease leaves this one idle.
 * @param pollMs asked before each poll: how long to wait after it
 */
export async function runPoller(
  ports: PollPorts,
  connector: Connector,
  pollMs: () => number,
  stopped: () => boolean,
): Promise<void> {
  let idle = 0;
  while (!stopped()) {
    const asked_ms = pollMs();
    let pause_ms = idle >= IDLE_AFTER_POLLS ? Math.max(asked_ms, IDLE_MS) : asked_ms;
    try {
      const done = await turn(ports, connector);
      if (done === null) pause_ms = Math.min(pause_ms, STANDSTILL_MS);
      else {
        idle = done.fresh > 0 ? 0 : idle + 1;
        pause_ms = done.pause_ms ?? pause_ms;
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
