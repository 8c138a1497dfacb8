import type { Limits } from '../connectors/passage';
import type { ConnectionName } from '../core/ids';
import type { Store } from '../store/store';
import type { Lane } from './lane';

export interface LimiterPorts {
  readonly store: { readonly paces: Pick<Store['paces'], 'prepare' | 'takeSlots' | 'slowDown'> };
  /** Milliseconds on any clock that only goes forward. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

/**
 * Of the limit, what we use: our requests arrive a little closer together or farther apart than they left.
 * Measured with 10/s on a busy machine (npm run bench:limit -- --limit 10): 98.0 % of it used, no 429.
 */
export const USED_SHARE = 0.98;
/** A request that would wait longer is refused, so that it holds no activity's slot; the record is tried later. */
export const WAIT_MAX_MS = 3_000;
/** What one statement takes at most. */
const CHUNK_SLOTS = 32;
/** What nobody took is kept this long for a burst. Also what a slow statement may be late without losing anything. */
const BURST_MS = 200;
/**
 * How far ahead slots are taken. Bulk requests only while the next free slot is near: as soon as live ones want more than
 * there is, in whatever process, they take all of it.
 */
const AHEAD_MS: Record<Lane, number> = { live: 240, bulk: 90 };
/** Bulk requests that got nothing for so long take one slot as live ones do: they are late, but not for ever. */
const BULK_TURN_MS = 1_000;
const PAUSE_MIN_MS = 5;

export type Admission = { readonly kind: 'go' } | { readonly kind: 'refused'; readonly retryAfterMs: number };

export interface Limiter {
  /** Resolves when the request may leave. */
  admit(endpoint: string, lane: Lane): Promise<Admission>;
  /** The system said that requests come too fast: all processes slow down for a while. */
  tooFast(endpoint: string, retryAfterMs: number | null): Promise<void>;
}

interface Waiter {
  readonly until: number;
  readonly settle: (admission: Admission) => void;
  readonly fail: (error: unknown) => void;
}

/** A class of requests that is counted together, and how many of it a second. */
export interface PaceClass {
  readonly name: string;
  readonly perSecond: number;
}

/** The class of everything that one connection sends. */
export const ALL = 'all';

/** What a request to this endpoint counts for. An endpoint with no less than the whole account needs no count. */
export function classesOf({ perSecond, perEndpoint }: Limits, endpoint: string): PaceClass[] {
  const whole = perSecond === null ? [] : [{ name: ALL, perSecond: perSecond * USED_SHARE }];
  if (perEndpoint === null || (perSecond !== null && perEndpoint >= perSecond)) return whole;
  return [...whole, { name: endpoint, perSecond: perEndpoint * USED_SHARE }];
}

/**
 * One limiter over all processes: the time of the next free slot stands in Postgres, and each process takes as many
 * slots as it has requests waiting, for a fraction of a second ahead, in one statement. A slot is a moment; requests leave
 * at theirs, evenly.
 */
export function createLimiter(ports: LimiterPorts, connection: ConnectionName, limits: Limits): Limiter {
  const queues = new Map<string, Waiter[]>();
  const prepared = new Set<string>();

  async function prepare(classes: readonly PaceClass[]): Promise<void> {
    const names = classes.map(({ name }) => name).filter((name) => !prepared.has(name));
    if (names.length === 0) return;
    await ports.store.paces.prepare(connection, names);
    for (const name of names) prepared.add(name);
  }

  function dropOverdue(queue: Waiter[], retryAfterMs: number): void {
    const now = ports.now();
    while (queue[0] !== undefined && queue[0].until <= now) {
      queue.shift()?.settle({ kind: 'refused', retryAfterMs });
    }
  }

  function letGo(waiter: Waiter | undefined, inMs: number): void {
    if (waiter === undefined) return;
    if (inMs <= 0) return waiter.settle({ kind: 'go' });
    ports.sleep(inMs).then(() => waiter.settle({ kind: 'go' }), waiter.fail);
  }

  /** Gives out slots until nobody is left in the queue. */
  async function drain(queue: Waiter[], classes: readonly PaceClass[], lane: Lane): Promise<void> {
    await prepare(classes);
    let turnAt = ports.now() + BULK_TURN_MS;
    while (queue.length > 0) {
      const isTurn = lane === 'bulk' && ports.now() >= turnAt;
      const wanted = isTurn ? 1 : Math.min(queue.length, CHUNK_SLOTS);
      const aheadMs = AHEAD_MS[isTurn ? 'live' : lane];
      const ask = { wanted, aheadMs, burstMs: BURST_MS };
      const { granted, firstInMs, spacingMs } = await ports.store.paces.takeSlots(connection, classes, ask);
      if (granted > 0) turnAt = ports.now() + BULK_TURN_MS;
      for (let i = 0; i < granted; i += 1) letGo(queue.shift(), firstInMs + i * spacingMs);
      const nextInMs = firstInMs + granted * spacingMs;
      dropOverdue(queue, Math.max(nextInMs, PAUSE_MIN_MS));
      const oldest = queue[0];
      if (oldest === undefined) return;
      const pause_ms = Math.min(nextInMs - AHEAD_MS[lane] / 3, oldest.until - ports.now());
      await ports.sleep(Math.max(pause_ms, PAUSE_MIN_MS));
    }
  }

  /**
   * Serves one queue to its end. That it is served no more is said in the same breath as that nobody is left in it: whoever
   * joined in between would wait for ever.
   */
  async function serve(
    key: string,
    queue: Waiter[],
    classes: readonly PaceClass[],
    lane: Lane,
  ): Promise<void> {
    try {
      while (queue.length > 0) await drain(queue, classes, lane);
    } catch (error) {
      for (const left of queue.splice(0)) left.fail(error);
    } finally {
      queues.delete(key);
    }
  }

  function join(classes: readonly PaceClass[], lane: Lane): Promise<Admission> {
    const key = [lane, ...classes.map(({ name }) => name)].join(' ');
    return new Promise((settle, fail) => {
      const waiter = { until: ports.now() + WAIT_MAX_MS, settle, fail };
      const served = queues.get(key);
      if (served !== undefined) return void served.push(waiter);
      const queue = [waiter];
      queues.set(key, queue);
      void serve(key, queue, classes, lane);
    });
  }

  return {
    async admit(endpoint, lane) {
      const classes = classesOf(limits, endpoint);
      return classes.length === 0 ? { kind: 'go' } : join(classes, lane);
    },
    async tooFast(endpoint, retryAfterMs) {
      const classes = classesOf(limits, endpoint);
      if (classes.length > 0) await ports.store.paces.slowDown(connection, classes, retryAfterMs);
    },
  };
}
