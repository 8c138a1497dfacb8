import type { CatalogName, ConnectionName, RecordId } from '../src/core/ids';
import { parseCatalogName, parseConnectionName, parseRecordId, trusted } from '../src/core/ids';
import type { Reason } from '../src/core/reason';
import type { Statements } from '../src/store/store';
import type { Acknowledgement } from '../src/store/workQueue';
import type { ActivityDeps } from './deps';
import type { OpenLink, RecordName } from './openLook';

/** A link whose part could not be finished now. */
export interface Unfinished extends OpenLink {
  readonly outcome: 'waiting' | 'paused';
  readonly reason: Reason;
}

export interface LookEnd extends RecordName {
  /** The hint this look began from. */
  readonly seq: number;
  readonly unfinished: readonly Unfinished[];
  /** Connections that were paused when the look began. */
  readonly paused: readonly string[];
  /** Connections that did not answer when the look began. */
  readonly down?: readonly string[];
  /** Which way something went, for the propagation metric; null when nothing moved. */
  readonly direction: 'out' | 'in' | null;
}

/** First pause before a record is tried again, doubled at each further one up to the last. */
const WAIT_FIRST_MS = 1_000;
const WAIT_LAST_MS = 15_000;
/**
 * A connection that is paused or down lets its records go on when it serves again; this is only the net below that. A
 * look costs about 30 ms of CPU: 2,000 waiting records cost less than 2 % of a core.
 */
const HELD_WAIT_MS = 3_600_000;
/** A link that came to no rest in a whole run is left alone for a while, so often, and then parked for a person. */
const RESTLESS_WAIT_MS = 30_000;
const RESTLESS_RUNS_MAX = 3;

/** @param waits looks in a row that left the record unfinished */
function waitMs(waits: number): number {
  return Math.min(WAIT_FIRST_MS * 2 ** Math.max(0, waits - 1), WAIT_LAST_MS);
}

function connectionName(name: string): ConnectionName {
  return trusted(parseConnectionName(name), 'connection name');
}

function connectionsOf(
  unfinished: ReadonlyArray<{ readonly connection: string; readonly outcome: string }>,
  outcome: Unfinished['outcome'],
): ConnectionName[] {
  return unfinished.filter((link) => link.outcome === outcome).map((link) => connectionName(link.connection));
}

function isRestless({ reason }: Pick<Unfinished, 'reason'>): boolean {
  return reason.code === 'restless';
}

type Told = Omit<Unfinished, 'outcome'> & { readonly outcome: Unfinished['outcome'] | 'parked' };

/** What is written on the links: those that came to no rest for too long are parked, whatever the others wait for. */
async function told(
  tx: Statements,
  { unfinished, seq }: LookEnd,
  record: { catalog: CatalogName; recordId: RecordId },
): Promise<Told[]> {
  if (!unfinished.some(isRestless)) return [...unfinished];
  const runs = await tx.queue.noteRestless(record.catalog, record.recordId, seq);
  // something newer was hinted: nothing is said before that was looked at
  if (runs === null) return unfinished.filter((link) => !isRestless(link));
  return unfinished.map((link) =>
    isRestless(link) && runs >= RESTLESS_RUNS_MAX ? { ...link, outcome: 'parked' } : link,
  );
}

/**
 * Ends a look: acknowledges its hint, or leaves the row for later when some connection could not be finished.
 * @returns `newer` when something was hinted since the look began: look again
 */
export async function closeLook(deps: ActivityDeps, end: LookEnd): Promise<Acknowledgement['kind']> {
  const catalog = trusted(parseCatalogName(end.catalog), 'catalog name');
  const recordId = trusted(parseRecordId(end.recordId), 'record id');
  const acknowledged = isFinished(end)
    ? await deps.store.queue.acknowledge(catalog, recordId, end.seq)
    : await leave(deps, end, { catalog, recordId });
  if (acknowledged.kind === 'done' && acknowledged.ageMs !== null && end.direction !== null) {
    deps.metrics.propagated(end.direction, acknowledged.ageMs / 1000);
  }
  return acknowledged.kind;
}

function isFinished({ unfinished, paused, down = [] }: LookEnd): boolean {
  return unfinished.length === 0 && paused.length === 0 && down.length === 0;
}

/** Writes what could not be finished, and leaves the row for later if anything waits. */
function leave(
  deps: ActivityDeps,
  end: LookEnd,
  { catalog, recordId }: { catalog: CatalogName; recordId: RecordId },
): Promise<Acknowledgement> {
  return deps.store.transactUnflushed(async (tx): Promise<Acknowledgement> => {
    let waits = 0;
    const unfinished = await told(tx, end, { catalog, recordId });
    for (const { linkId, lookId, outcome, reason } of unfinished) {
      waits = Math.max(waits, await tx.links.markUnfinished(linkId, lookId, { outcome, reason }));
    }
    const waiting = connectionsOf(unfinished, 'waiting');
    const left = [...end.paused, ...(end.down ?? [])].map(connectionName);
    const heldThen = [...connectionsOf(unfinished, 'paused'), ...left];
    const concerned = [...new Set([...waiting, ...heldThen])];
    if (concerned.length === 0) return tx.queue.acknowledge(catalog, recordId, end.seq);
    const held = await tx.breakers.lockHeld(concerned);
    // A connection that serves again may have released its records already, and will not come back for this one.
    const freed = heldThen.some((name) => !held.includes(name));
    const trying = waiting.filter((name) => !held.includes(name));
    const putAway = !freed && trying.length === 0;
    const restless = unfinished.every((link) => isRestless(link));
    const trouble = restless ? RESTLESS_WAIT_MS : waitMs(waits);
    const ms = putAway ? HELD_WAIT_MS : freed ? 0 : trouble;
    return tx.queue.postpone(catalog, recordId, end.seq, { on: [...trying, ...held], ms, putAway });
  });
}
