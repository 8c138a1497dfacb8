import type { Catalog } from '../../src/catalogs/catalog';
import type { RemoteFailure } from '../../src/core/failure';
import { TREATMENT } from '../../src/core/failure';
import type { ConnectionName } from '../../src/core/ids';
import { parseConnectionName, trusted } from '../../src/core/ids';
import type { Sweep } from '../../src/store/sweeps';
import { pauseFor } from '../checkAccount';
import type { ActivityDeps } from '../deps';
import { reasonOf } from '../failures';
import { Overtaken, sweepLinks, sweepObjects, sweepRecords } from './steps';
import type { SweepTask } from './steps';

export interface SweptConnection {
  readonly connection: string;
}

/** What a few steps of a sweep came to. Counts and codes only: this stands in Temporal's history. */
export interface SweepBatch {
  /** `more` goes on at once, `wait` after `ms`; `idle`: no sweep of this connection is open. */
  readonly next: 'more' | 'wait' | 'idle';
  readonly ms: number;
  /** Why it waits; null when only the queue is to drain. */
  readonly waitsFor: string | null;
  readonly phase: string | null;
  readonly objects: number;
  readonly records: number;
  readonly found: number;
}

/** Steps of one activity: short enough to stay far below its time-out of a minute. */
const STEPS_MAX = 5;
/** Found and not looked at yet, at most: what a sweep finds comes in no faster than looks are made. */
const BULK_ROWS_MAX = 1_000;
const DRAIN_MS = 1_000;
const IDENTIFY_MS = 2_000;
const PAUSED_MS = 15_000;
const DOWN_MS = 5_000;
const TROUBLE_MS = 10_000;
const TROUBLE_MAX_MS = 60_000;

interface Hold {
  readonly ms: number;
  readonly code: string | null;
}

/** Why the next step must not be made now. */
async function holdOn(deps: ActivityDeps, connection: ConnectionName): Promise<Hold | null> {
  if (!deps.identified(connection)) return { ms: IDENTIFY_MS, code: 'unavailable' };
  const found = await deps.store.connections.find(connection);
  const paused = found?.paused ?? null;
  if (found?.standstill === 'paused' && paused?.code !== 'recovering')
    return { ms: PAUSED_MS, code: paused?.code ?? 'paused' };
  if (found !== null && found.down !== null) return { ms: DOWN_MS, code: 'unavailable' };
  // A recovery waits for this very sweep, and what it finds is put away until the end: no queue needs to drain before.
  if (paused !== null) return null;
  return (await deps.store.queue.countBulk(BULK_ROWS_MAX)) < BULK_ROWS_MAX
    ? null
    : { ms: DRAIN_MS, code: null };
}

/** The list could not be read. A refused key pauses the connection, as in a look; all else is tried again. */
async function holdAfter(
  deps: ActivityDeps,
  connection: ConnectionName,
  failure: RemoteFailure,
): Promise<Hold> {
  const reason = reasonOf(failure);
  if (TREATMENT[failure.kind].treatment === 'pause') {
    await pauseFor(deps, connection, reason);
    return { ms: PAUSED_MS, code: reason.code };
  }
  return { ms: Math.min(failure.retryAfterMs ?? TROUBLE_MS, TROUBLE_MAX_MS), code: reason.code };
}

function catalogsOf(deps: ActivityDeps, connection: ConnectionName): Catalog[] {
  const served = deps.connectors.get(connection)?.catalogs ?? new Map();
  return [...deps.catalogs.values()].filter(({ name }) => served.has(name));
}

/** Everything was read: a recovery is over, and what waited for it is released. */
async function end(deps: ActivityDeps, sweep: Sweep): Promise<void> {
  const { connection, cause, objects, records, found } = sweep;
  const released = await deps.store.transact(async (tx) => {
    if (!(await tx.sweeps.end(sweep.id))) throw new Overtaken('Another attempt has ended this sweep');
    if (cause !== 'recovered') return 0;
    await tx.connections.endRecovery(connection);
    return tx.queue.releaseWaiting(connection);
  });
  deps.log.info({ connection, sweep: sweep.id, cause, objects, records, found, released }, 'sweep done');
}

async function stepOn(deps: ActivityDeps, sweep: Sweep): Promise<RemoteFailure | null> {
  const { connection } = sweep;
  const catalogs = catalogsOf(deps, connection);
  const place = Math.max(
    0,
    catalogs.findIndex(({ name }) => name === sweep.catalog),
  );
  const catalog = catalogs[place];
  if (catalog === undefined) throw new Error(`No catalog of the connection ${connection} is configured here`);
  const task: SweepTask = { deps, sweep, connection, catalog };
  if (sweep.phase === 'objects') return sweepObjects(task);
  if (sweep.phase === 'links') {
    await sweepLinks(task);
    return null;
  }
  if (!(await sweepRecords(task))) return null;
  const next = catalogs[place + 1];
  const now = await deps.store.sweeps.findSweep(sweep.id);
  if (now === null) return null;
  if (next === undefined) await end(deps, now);
  else {
    const nothing = { calls: 0, objects: 0, records: 0, found: 0, known: 0 };
    await deps.store.sweeps.advance(now, { catalog: next.name, phase: 'objects', place: null, ...nothing });
  }
  return null;
}

function told(sweep: Sweep | null, next: SweepBatch['next'], hold: Hold | null = null): SweepBatch {
  const { phase = null, objects = 0, records = 0, found = 0 } = sweep ?? {};
  return { next, ms: hold?.ms ?? 0, waitsFor: hold?.code ?? null, phase, objects, records, found };
}

/** Goes on with the open sweep of a connection, for a few steps. Its place is in Postgres; whoever comes goes on there. */
export async function sweepBatch(
  deps: ActivityDeps,
  { connection: name }: SweptConnection,
): Promise<SweepBatch> {
  const connection = trusted(parseConnectionName(name), 'connection name');
  for (let step = 0; ; step += 1) {
    const sweep = await deps.store.sweeps.findOpen(connection);
    if (sweep === null) return told(null, 'idle');
    if (step === STEPS_MAX) return told(sweep, 'more');
    let hold = await holdOn(deps, connection);
    if (hold === null) {
      try {
        const failure = await stepOn(deps, sweep);
        if (failure !== null) hold = await holdAfter(deps, connection, failure);
      } catch (error) {
        // The other attempt's place is read anew, and gone on from.
        if (!(error instanceof Overtaken)) throw error;
      }
    }
    if (hold === null) continue;
    if (hold.code !== null) await deps.store.sweeps.noteWaiting(sweep.id, hold.code);
    return told(sweep, 'wait', hold);
  }
}
