/**
 * One request to /v1, from its bytes to its answer: who asks, how often, which fault, which endpoint, which
 * idempotency key; then half the latency, execution, the other half, the answer.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './account';
import { readApiKey } from './api-key';
import { ClientGone, readBody, readParams } from './body';
import {
  badRequest,
  errorBody,
  internalError,
  keyInUse,
  lockTimeout,
  rateLimited,
  StripeError,
  unavailable,
  invalidKey,
} from './errors';
import { API_VERSION } from './events';
import type { Fault, FaultBoard } from './faults';
import type { Params } from './form';
import { readKey, type StoredAnswer } from './idempotency';
import type { Ids } from './ids';
import type { Limiter } from './limiter';
import type { LoggedRequest, Outcome, RequestLog } from './request-log';
import { type Execute, findRoute } from './routes';

export type ApiDeps = {
  account: Account;
  /** Who answers under the fault other_account: an account with nothing in it. */
  otherAccount: Account;
  faults: FaultBoard;
  limiter: Limiter;
  log: RequestLog;
  ids: Ids;
  clock: () => number;
  latencyMs: number;
  pageUrl: () => string;
};

type Answer = { status: number; body: unknown; headers: Record<string, string>; replayed: boolean };
type Verdict =
  | { kind: 'answer'; answer: Answer }
  | { kind: 'execute'; run: () => Answer; loseAnswer: boolean; extraDelayMs: number; account: Account }
  | { kind: 'cut' }
  | { kind: 'hang'; forMs: number | undefined };

/** One request's facts, filled in as they become known. */
type Visit = {
  requestId: string;
  method: string;
  path: string;
  params: Params | null;
  paramsBytes: number;
  key: string | null;
  fromPage: boolean;
  startedMs: number;
};

const MAX_LOGGED_PARAMS_BYTES = 16_384;
export const PAGE_HEADER = 'x-simulator-page';

export async function answerApi(
  deps: ApiDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const visit: Visit = {
    requestId: deps.ids.request(),
    method: request.method ?? 'GET',
    path: (request.url ?? '/').split('?', 1)[0] ?? '/',
    params: null,
    paramsBytes: 0,
    key: null,
    fromPage: request.headers[PAGE_HEADER] !== undefined,
    startedMs: deps.clock(),
  };
  const verdict = await admit(deps, request, visit);
  if (verdict.kind === 'cut') {
    note(deps, visit, null, 'cut');
    response.destroy();
    return;
  }
  if (verdict.kind === 'hang') {
    note(deps, visit, null, 'hung');
    if (verdict.forMs !== undefined) await sleep(verdict.forMs, undefined, { ref: false });
    if (verdict.forMs !== undefined) response.destroy();
    return;
  }
  await pause(deps.latencyMs / 2);
  const answer = verdict.kind === 'answer' ? verdict.answer : await execute(deps, verdict, visit);
  await pause(deps.latencyMs / 2);
  const lost = verdict.kind === 'execute' && verdict.loseAnswer;
  note(deps, visit, answer, lost ? 'answer_lost' : 'answered');
  if (lost) response.destroy();
  else send(request, response, visit, answer);
}

async function execute(
  deps: ApiDeps,
  verdict: Extract<Verdict, { kind: 'execute' }>,
  visit: Visit,
): Promise<Answer> {
  await pause(verdict.extraDelayMs);
  const answer = verdict.run();
  try {
    if (visit.method !== 'GET') await verdict.account.settled();
  } catch (error) {
    return refusal(deps, visit, error);
  }
  if (visit.key === null) return answer;
  return { ...answer, headers: { ...answer.headers, 'original-request': visit.requestId } };
}

/** Decides without waiting for anything but the body what will happen to the request. */
async function admit(deps: ApiDeps, request: IncomingMessage, visit: Visit): Promise<Verdict> {
  try {
    const body = await readBody(request);
    readApiKey(request.headers.authorization);
    // The dashboard has no share in the API's limits, and faults are meant for programs.
    if (!visit.fromPage && !deps.limiter.allows(deps.clock())) throw rateLimited('global-rate');
    visit.paramsBytes = body.length + (request.url?.length ?? 0);
    if (visit.method === 'POST') visit.key = readKey(header(request, 'idempotency-key'));
    const arrival = visit.fromPage ? undefined : deps.faults.strike('arrival', visit.method, visit.path);
    const struck = arrival === undefined ? undefined : applyArrival(arrival, visit);
    if (struck !== undefined) return struck;
    visit.params = readParams(request, body);
    const account = arrival?.name === 'other_account' ? deps.otherAccount : deps.account;
    const verdict = prepare(deps, account, visit, visit.params);
    if (verdict.kind === 'execute') verdict.extraDelayMs += arrival?.delay_ms ?? 0;
    return verdict;
  } catch (error) {
    if (error instanceof ClientGone) return { kind: 'cut' };
    return { kind: 'answer', answer: refusal(deps, visit, error) };
  }
}

function prepare(deps: ApiDeps, account: Account, visit: Visit, params: Params): Verdict {
  const { key, method, path, requestId } = visit;
  const place = `${method} ${path}`;
  const stored = key === null ? null : account.keys.find(key, path, params, deps.clock());
  if (stored !== null) return { kind: 'answer', answer: replay(stored) };
  const run = findRoute(method, path).prepare({
    account,
    params,
    origin: {
      requestId,
      idempotencyKey: key,
      treatment: () => deps.faults.treatment(method, path),
    },
  });
  const fault = visit.fromPage ? undefined : deps.faults.strike('execution', method, path);
  if (key !== null) account.keys.claim(key, path, params, deps.clock());
  return {
    kind: 'execute',
    account,
    run: () => settle(deps, account, visit, runWith(fault, run, place)),
    loseAnswer: fault?.name === 'answer_lost',
    extraDelayMs: fault?.delay_ms ?? 0,
  };
}

function runWith(fault: Fault | undefined, run: Execute, place: string): Execute {
  return () => {
    if (fault?.name === 'error_500') throw internalError();
    const body = run();
    if (fault?.name === 'error_500_committed') throw internalError();
    if (body === undefined) throw new Error(`${place} returned nothing`);
    return body;
  };
}

/** Executes, and keeps the answer under the key whether it is a success or an error. */
function settle(deps: ApiDeps, account: Account, visit: Visit, run: Execute): Answer {
  let answer: Answer;
  try {
    answer = { status: 200, body: run(), headers: {}, replayed: false };
  } catch (error) {
    answer = refusal(deps, visit, error);
  }
  if (visit.key !== null) {
    account.settleKey(visit.key, { status: answer.status, body: answer.body, requestId: visit.requestId });
  }
  return answer;
}

function replay(stored: StoredAnswer): Answer {
  return {
    status: stored.status,
    body: stored.body,
    headers: { 'idempotent-replayed': 'true', 'original-request': stored.requestId },
    replayed: true,
  };
}

function applyArrival(fault: Fault, visit: Visit): Verdict | undefined {
  switch (fault.name) {
    case 'reset':
      return { kind: 'cut' };
    case 'hang':
      return { kind: 'hang', forMs: fault.delay_ms };
    case 'refuse_503':
      throw unavailable();
    case 'rate_limited':
      throw rateLimited(fault.reason ?? 'global-rate');
    case 'lock_timeout':
      throw lockTimeout();
    case 'unauthorized':
      throw invalidKey('sk_test_revoked');
    case 'conflict_409':
      throw keyInUse(visit.key ?? 'none');
    default:
      return undefined;
  }
}

function refusal(deps: ApiDeps, visit: Visit, error: unknown): Answer {
  const known = error instanceof StripeError ? error : undefined;
  // Anything else is our own bug: it is said on stderr, and answered as Stripe answers its own.
  if (!known) process.stderr.write(`simulator: ${visit.method} ${visit.path}: ${String(error)}\n`);
  const fields = known?.fields ?? internalError().fields;
  const logUrl = `${deps.pageUrl()}/?request=${visit.requestId}`;
  return {
    status: fields.status,
    body: errorBody(fields, logUrl),
    headers: fields.headers ?? {},
    replayed: false,
  };
}

function send(request: IncomingMessage, response: ServerResponse, visit: Visit, answer: Answer): void {
  const body = `${JSON.stringify(answer.body, null, 2)}\n`;
  const version = header(request, 'stripe-version') ?? API_VERSION;
  // The rest of a body that was too large is not read, so this connection cannot be used again.
  const close = answer.status === 413 ? { connection: 'close' } : {};
  response.writeHead(answer.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-cache, no-store',
    'request-id': visit.requestId,
    'stripe-version': /^[\w.;=-]{1,100}$/.test(version) ? version : API_VERSION,
    ...(visit.key !== null && /^[\x20-\x7e]+$/.test(visit.key) ? { 'idempotency-key': visit.key } : {}),
    ...answer.headers,
    ...close,
  });
  response.end(body);
}

function note(deps: ApiDeps, visit: Visit, answer: Answer | null, outcome: Outcome): void {
  const entry: LoggedRequest = {
    at: new Date(visit.startedMs).toISOString(),
    method: visit.method,
    path: visit.path,
    params: visit.paramsBytes > MAX_LOGGED_PARAMS_BYTES ? { not_kept: true } : visit.params,
    idempotency_key: visit.key,
    status: answer?.status ?? null,
    replayed: answer?.replayed ?? false,
    request_id: visit.requestId,
    from: visit.fromPage ? 'page' : 'api',
    outcome,
    duration_ms: deps.clock() - visit.startedMs,
  };
  deps.log.add(entry);
}

async function pause(ms: number): Promise<void> {
  if (ms > 0) await sleep(ms);
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  if (Array.isArray(value)) throw badRequest(`The header ${name} was given more than once.`);
  return value;
}
