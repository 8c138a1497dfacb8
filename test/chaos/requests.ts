/**
 * All requests of the product that the simulator noted. Its log is in memory and ends with its process, so it is read all the
 * time, and once more before the simulator is ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const READ_EVERY_MS = 300;
const READ_MS = 2_000;

export interface Noted {
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly params: unknown;
  readonly idempotency_key: string | null;
  readonly status: number | null;
  readonly replayed: boolean;
  readonly request_id: string;
  readonly from: string;
  readonly reached: boolean;
  readonly outcome: string;
}

export interface RequestRecord {
  start(): void;
  /** Reads what is new. @returns false when the simulator did not tell */
  read(): Promise<boolean>;
  /** Of the product, in the order in which they were noted. */
  all(): readonly Noted[];
  /** Mutations of the product that the account carried out, replays left out. */
  writes(): readonly Noted[];
  stop(): void;
}

/** Reached the account, is no replay, and was not refused by it. A proxy's 504 hides a commit that came later. */
export function changedSomething({ method, reached, replayed, status, outcome }: Noted): boolean {
  if (method === 'GET' || !reached || replayed) return false;
  return outcome === 'committed_late' || (status !== null && status < 400);
}

export function recordRequests(url: string): RequestRecord {
  const noted = new Map<string, Noted>();
  let last: string | null = null;
  let running = false;

  async function ask(since: string | null): Promise<Noted[] | null> {
    const query = since === null ? '' : `?since=${since}`;
    const answer = await fetch(`${url}/_sim/requests${query}`, { signal: AbortSignal.timeout(READ_MS) });
    // a simulator that was started again does not know the request we name
    if (!answer.ok) return since === null ? null : ask(null);
    return ((await answer.json()) as { data: Noted[] }).data;
  }

  async function read(): Promise<boolean> {
    try {
      const found = await ask(last);
      for (const request of found ?? []) {
        if (request.from === 'counterpart') noted.set(request.request_id, request);
      }
      last = found?.at(-1)?.request_id ?? last;
      return found !== null;
    } catch {
      // held, ending or gone: what it noted meanwhile is read later, if it still has it
      return false;
    }
  }

  return {
    read,
    start() {
      running = true;
      void (async () => {
        while (running) {
          await read();
          await sleep(READ_EVERY_MS, undefined, { ref: false });
        }
      })();
    },
    all: () => [...noted.values()],
    writes: () => [...noted.values()].filter(changedSomething),
    stop: () => void (running = false),
  };
}
