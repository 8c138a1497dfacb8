import { parseCatalogName, parseConnectionName, parseRecordId, trusted } from '../src/core/ids';
import type { Reason } from '../src/core/reason';
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
  /** Which way something went, for the propagation metric; null when nothing moved. */
  readonly direction: 'out' | 'in' | null;
}

/** First pause before a record is tried again, doubled at each further one up to the last. */
const WAIT_FIRST_MS = 1_000;
const WAIT_LAST_MS = 15_000;
/** A paused connection rings its records when it is resumed; this is only the net below that. */
const PAUSED_WAIT_MS = 600_000;

/**
 * Ends a look: acknowledges its hint, or leaves the row for later when some connection could not be finished.
 * @returns `newer` when something was hinted since the look began: look again
 */
export async function closeLook(deps: ActivityDeps, end: LookEnd): Promise<Acknowledgement['kind']> {
  const catalog = trusted(parseCatalogName(end.catalog), 'catalog name');
  const recordId = trusted(parseRecordId(end.recordId), 'record id');
  const acknowledged = await deps.store.transact(async (tx): Promise<Acknowledgement> => {
    let waits = 0;
    for (const { linkId, lookId, outcome, reason } of end.unfinished) {
      waits = Math.max(waits, await tx.links.markUnfinished(linkId, lookId, { outcome, reason }));
    }
    const held = [
      ...end.unfinished.filter((link) => link.outcome === 'paused').map((link) => link.connection),
      ...end.paused,
    ].map((name) => trusted(parseConnectionName(name), 'connection name'));
    const waiting = end.unfinished
      .filter((link) => link.outcome === 'waiting')
      .map((link) => trusted(parseConnectionName(link.connection), 'connection name'));
    if (held.length + waiting.length === 0) return tx.queue.acknowledge(catalog, recordId, end.seq);
    // A connection resumed meanwhile has released its records already, and will not come back for this one.
    const paused = await tx.connections.lockPaused(held);
    const on = [...waiting, ...paused];
    const resumed = paused.length < new Set(held).size;
    const ms = resumed
      ? 0
      : waiting.length > 0
        ? Math.min(WAIT_FIRST_MS * 2 ** Math.max(0, waits - 1), WAIT_LAST_MS)
        : PAUSED_WAIT_MS;
    return tx.queue.postpone(catalog, recordId, end.seq, { on, ms });
  });
  if (acknowledged.kind === 'done' && acknowledged.ageMs !== null && end.direction !== null) {
    deps.metrics.propagated(end.direction, acknowledged.ageMs / 1000);
  }
  return acknowledged.kind;
}
