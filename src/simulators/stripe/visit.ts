/** One request's facts, filled in as they become known, and what the log keeps of them. */

import type { IncomingMessage } from 'node:http';
import type { Answer } from './answers';
import { badRequest } from './errors';
import { API_VERSION } from './events';
import type { Struck } from './fault-board';
import type { Params } from './form';
import { type LoggedRequest, type Outcome, type Sender, senderOf } from './request-log';

export type Visit = Struck & {
  requestId: string;
  params: Params | null;
  paramsBytes: number;
  from: Sender;
  userAgent: string | null;
  /** What the client asked to be answered in. */
  version: string;
  /** Set once the account executes it or replays its answer. */
  reached: boolean;
  startedMs: number;
};

const MAX_LOGGED_PARAMS_BYTES = 16_384;
const MAX_LOGGED_AGENT_CHARS = 200;

export function beginVisit(request: IncomingMessage, requestId: string, startedMs: number): Visit {
  return {
    requestId,
    method: request.method ?? 'GET',
    path: (request.url ?? '/').split('?', 1)[0] ?? '/',
    params: null,
    paramsBytes: 0,
    key: null,
    apiKey: '',
    from: senderOf(request.headers),
    userAgent: request.headers['user-agent']?.slice(0, MAX_LOGGED_AGENT_CHARS) ?? null,
    version: API_VERSION,
    reached: false,
    startedMs,
  };
}

export function logged(
  visit: Visit,
  answer: Pick<Answer, 'status' | 'replayed'> | null,
  outcome: Outcome,
  nowMs: number,
): LoggedRequest {
  return {
    at: new Date(visit.startedMs).toISOString(),
    method: visit.method,
    path: visit.path,
    params: visit.paramsBytes > MAX_LOGGED_PARAMS_BYTES ? { not_kept: true } : visit.params,
    idempotency_key: visit.key,
    status: answer?.status ?? null,
    replayed: answer?.replayed ?? false,
    request_id: visit.requestId,
    from: visit.from,
    user_agent: visit.userAgent,
    reached: visit.reached,
    outcome,
    duration_ms: nowMs - visit.startedMs,
  };
}

/** @throws StripeError 400 when it was given more than once */
export function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  if (Array.isArray(value)) throw badRequest(`The header ${name} was given more than once.`);
  return value;
}
