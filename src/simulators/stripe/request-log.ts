/** What was asked of the API, for tests and for a person: the last requests, oldest first. */

import type { Params } from './form';

export type Outcome = 'answered' | 'answer_lost' | 'cut' | 'hung';

export type LoggedRequest = {
  at: string;
  method: string;
  path: string;
  params: Params | { not_kept: true } | null;
  idempotency_key: string | null;
  /** The status that was (or would have been) answered; null when the request was never processed. */
  status: number | null;
  replayed: boolean;
  request_id: string;
  from: 'api' | 'page';
  outcome: Outcome;
  duration_ms: number;
};

const MAX_REQUESTS = 20_000;
/** Trimming moves the whole array, so it happens for many entries at a time. */
const TRIM_BATCH = 2_000;

export class RequestLog {
  private entries: LoggedRequest[] = [];
  /** Grows with every request of a program; those of the page do not count. */
  revision = 0;

  add(entry: LoggedRequest): void {
    this.entries.push(entry);
    if (entry.from === 'api') this.revision += 1;
    if (this.entries.length > MAX_REQUESTS + TRIM_BATCH) this.entries.splice(0, TRIM_BATCH);
  }

  /** @param since a request id (answers what came after it), or a time as ISO 8601 or in ms since 1970 */
  since(since: string | undefined): LoggedRequest[] {
    const kept = this.entries.slice(-MAX_REQUESTS);
    if (since === undefined || since === '') return kept;
    if (since.startsWith('req_')) {
      return kept.slice(kept.findIndex((entry) => entry.request_id === since) + 1);
    }
    const fromMs = /^\d+$/.test(since) ? Number(since) : Date.parse(since);
    if (Number.isNaN(fromMs)) return kept;
    return kept.filter((entry) => Date.parse(entry.at) >= fromMs);
  }

  clear(): void {
    this.entries = [];
    this.revision += 1;
  }
}
