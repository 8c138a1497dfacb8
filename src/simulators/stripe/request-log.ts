/** What was asked of the API, for tests and for a person: the last requests, oldest first. */

import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { Params } from './form';

export type Outcome = 'answered' | 'answer_lost' | 'committed_late' | 'cut' | 'hung';

/** Who asked: the page at /, the product whose Stripe this plays, or anybody else (curl, another program, a test). */
export const SENDERS = ['page', 'counterpart', 'other'] as const;
export type Sender = (typeof SENDERS)[number];

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
  from: Sender;
  user_agent: string | null;
  /** Whether the account executed it, or had and replayed its answer; false when it was refused or cut before. */
  reached: boolean;
  outcome: Outcome;
  duration_ms: number;
};

export const PAGE_HEADER = 'x-simulator-page';
/** `cp_<installation>_<connection>_<uuid>`: docs/CONNECTORS.md. */
const COUNTERPART_KEY = /^cp_[0-9a-f]{16}_/;
const COUNTERPART_AGENT = /^Stripe\/v1 NodeBindings\//;
const SDK_TELEMETRY_HEADER = 'x-stripe-client-user-agent';

/**
 * By the idempotency key where there is one. Reads and deletions carry none: then by the vendor's library stripped of
 * its telemetry header, which nobody else sends so.
 */
export function senderOf(headers: IncomingHttpHeaders): Sender {
  if (headers[PAGE_HEADER] !== undefined) return 'page';
  const key = headers['idempotency-key'];
  if (typeof key === 'string' && key !== '') return COUNTERPART_KEY.test(key) ? 'counterpart' : 'other';
  const bare = headers[SDK_TELEMETRY_HEADER] === undefined;
  return bare && COUNTERPART_AGENT.test(headers['user-agent'] ?? '') ? 'counterpart' : 'other';
}

const MAX_REQUESTS = 20_000;
/** Trimming moves the whole array, so it happens for many entries at a time. */
const TRIM_BATCH = 2_000;

const flag = (name: string) =>
  z
    .enum(['0', '1'], { error: `${name} is 1 or 0` })
    .default('0')
    .transform((value) => value === '1');

/** What GET /_sim/requests can be asked. */
export const requestQuery = z.strictObject(
  {
    /** Only POST and DELETE that reached the account. */
    writes: flag('writes'),
    from: z.enum(SENDERS, { error: `from is one of ${SENDERS.join(', ')}` }).optional(),
    /** A request id (answers what came after it), or a time as ISO 8601 or in ms since 1970. */
    since: z.string().min(1, { error: 'since is a request id or a time' }).optional(),
    /** The newest so many. */
    limit: z
      .string()
      .regex(/^\d{1,9}$/, { error: `limit is a number from 1 to ${MAX_REQUESTS}` })
      .transform(Number)
      .refine((limit) => limit >= 1 && limit <= MAX_REQUESTS, {
        error: `limit is a number from 1 to ${MAX_REQUESTS}`,
      })
      .default(MAX_REQUESTS),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? unknownNames(issue.keys) : undefined) },
);
export type RequestQuery = z.output<typeof requestQuery>;

function unknownNames(names: readonly string[] | undefined): string {
  return `unknown: ${(names ?? []).join(', ')}; known are: writes, from, since, limit`;
}

export class RequestLog {
  private entries: LoggedRequest[] = [];
  /** Grows with every request of a program; those of the page do not count. */
  revision = 0;

  add(entry: LoggedRequest): void {
    this.entries.push(entry);
    if (entry.from !== 'page') this.revision += 1;
    if (this.entries.length > MAX_REQUESTS + TRIM_BATCH) this.entries.splice(0, TRIM_BATCH);
  }

  /** @returns null when `since` is neither the id of a kept request nor a time */
  find({ writes, from, since, limit }: RequestQuery): LoggedRequest[] | null {
    const kept = this.since(since);
    if (kept === null) return null;
    const wanted = kept.filter(
      (entry) => (!writes || isWrite(entry)) && (from === undefined || entry.from === from),
    );
    return wanted.slice(-limit);
  }

  clear(): void {
    this.entries = [];
    this.revision += 1;
  }

  private since(since: string | undefined): LoggedRequest[] | null {
    const kept = this.entries.slice(-MAX_REQUESTS);
    if (since === undefined) return kept;
    if (since.startsWith('req_')) {
      const place = kept.findIndex((entry) => entry.request_id === since);
      return place < 0 ? null : kept.slice(place + 1);
    }
    const fromMs = /^\d+$/.test(since) ? Number(since) : Date.parse(since);
    if (Number.isNaN(fromMs)) return null;
    return kept.filter((entry) => Date.parse(entry.at) >= fromMs);
  }
}

function isWrite({ method, reached }: LoggedRequest): boolean {
  return reached && (method === 'POST' || method === 'DELETE');
}
