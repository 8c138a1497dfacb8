/**
 * One request to /v1, from its bytes to its answer: who asks, how often, which fault, which endpoint, which
 * idempotency key; then half the latency, execution, the other half, the answer.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './account';
import { type Answer, refusalOf, replayOf, send, sendAsProxy } from './answers';
import { readApiKey } from './api-key';
import { ClientGone, readBody, readParams } from './body';
import {
  expiredKey,
  internalError,
  invalidKey,
  keyInUse,
  lacksRight,
  lockTimeout,
  rateLimited,
  unavailable,
} from './errors';
import type { Fault, FaultBoard } from './fault-board';
import type { Params } from './form';
import { readKey } from './idempotency';
import type { Ids } from './ids';
import type { Limiter } from './limiter';
import { mistreatmentOf } from './mistreatment';
import type { Outcome, RequestLog } from './request-log';
import { type Execute, findRoute } from './routes';
import { beginVisit, header, logged, type Visit } from './visit';

export type ApiDeps = {
  account: Account;
  /** Who answers under the fault other-account: an account with nothing in it. */
  otherAccount: Account;
  faults: FaultBoard;
  limiter: Limiter;
  log: RequestLog;
  ids: Ids;
  clock: () => number;
  latencyMs: number;
  pageUrl: () => string;
};

type Execution = {
  kind: 'execute';
  account: Account;
  run: () => Answer;
  waitMs: number;
  /** Of the stage execution. */
  fault: Fault | undefined;
};
type Verdict =
  | { kind: 'answer'; answer: Answer }
  | Execution
  | { kind: 'cut' }
  | { kind: 'hang'; forMs: number | undefined };

export async function answerApi(
  deps: ApiDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const visit = beginVisit(request, deps.ids.request(), deps.clock());
  const verdict = await admit(deps, request, visit);
  switch (verdict.kind) {
    case 'cut':
      note(deps, visit, null, 'cut');
      response.destroy();
      return;
    case 'hang':
      note(deps, visit, null, 'hung');
      if (verdict.forMs === undefined) return;
      await sleep(verdict.forMs, undefined, { ref: false });
      response.destroy();
      return;
    case 'answer':
      await pause(deps.latencyMs);
      note(deps, visit, verdict.answer, 'answered');
      return send(response, visit, verdict.answer);
    case 'execute':
      return carryOut(deps, verdict, visit, response);
  }
}

async function carryOut(
  deps: ApiDeps,
  execution: Execution,
  visit: Visit,
  response: ServerResponse,
): Promise<void> {
  await pause(deps.latencyMs / 2 + execution.waitMs);
  const { fault, account } = execution;
  if (fault?.name === 'gateway-timeout') {
    account.late.after(fault.commit_after_ms ?? 0, () => void execute(deps, execution, visit));
    visit.reached = true;
    note(deps, visit, { status: 504, replayed: false }, 'committed_late');
    sendAsProxy(response);
    return;
  }
  const answer = await execute(deps, execution, visit);
  await pause(deps.latencyMs / 2);
  const lost = fault?.name === 'answer-lost';
  note(deps, visit, answer, lost ? 'answer_lost' : 'answered');
  if (lost) {
    response.destroy();
    return;
  }
  const drips = fault?.name === 'slow-drip';
  const drip = drips ? { chunkBytes: fault.chunk_bytes ?? 1, delayMs: fault.delay_ms ?? 0 } : undefined;
  await send(response, visit, answer, drip);
}

async function execute(deps: ApiDeps, { account, run }: Execution, visit: Visit): Promise<Answer> {
  const answer = run();
  try {
    if (visit.method !== 'GET') await account.settled();
  } catch (error) {
    return refusalOf(error, visit, deps.pageUrl());
  }
  if (visit.key === null) return answer;
  return { ...answer, headers: { ...answer.headers, 'original-request': visit.requestId } };
}

/** Decides without waiting for anything but the body what will happen to the request. */
async function admit(deps: ApiDeps, request: IncomingMessage, visit: Visit): Promise<Verdict> {
  try {
    const body = await readBody(request);
    visit.apiKey = readApiKey(request.headers.authorization);
    visit.version = header(request, 'stripe-version') ?? visit.version;
    // The dashboard has no share in the API's limits, and faults are meant for programs.
    const byPerson = visit.from === 'page';
    if (!byPerson && !deps.limiter.allows(deps.clock())) throw rateLimited('global-rate');
    visit.paramsBytes = body.length + (request.url?.length ?? 0);
    if (visit.method === 'POST') visit.key = readKey(header(request, 'idempotency-key'));
    const fault = byPerson ? undefined : deps.faults.strike('arrival', visit);
    const refused = fault === undefined ? undefined : applyArrival(fault, visit);
    if (refused !== undefined) return refused;
    visit.params = readParams(request, body);
    const account = fault?.name === 'other-account' ? deps.otherAccount : deps.account;
    const verdict = prepare(deps, account, visit, visit.params);
    if (verdict.kind === 'execute' && fault?.name === 'slow') verdict.waitMs = fault.delay_ms ?? 0;
    return verdict;
  } catch (error) {
    if (error instanceof ClientGone) return { kind: 'cut' };
    return { kind: 'answer', answer: refusalOf(error, visit, deps.pageUrl()) };
  }
}

function prepare(deps: ApiDeps, account: Account, visit: Visit, params: Params): Verdict {
  const { key, method, path, requestId } = visit;
  const byPerson = visit.from === 'page';
  const stored = key === null ? null : account.keys.find(key, path, params, deps.clock());
  if (stored !== null) {
    visit.reached = true;
    return { kind: 'answer', answer: replayOf(stored) };
  }
  const run = findRoute(method, path).prepare({
    account,
    params,
    origin: { requestId, idempotencyKey: key, mistreat: mistreatmentOf(deps.faults, visit, byPerson) },
  });
  const fault = byPerson ? undefined : deps.faults.strike('execution', visit);
  if (key !== null) account.keys.claim(key, path, params, deps.clock());
  return {
    kind: 'execute',
    account,
    run: () => settle(deps, account, visit, runWith(fault, run, `${method} ${path}`)),
    waitMs: 0,
    fault,
  };
}

function runWith(fault: Fault | undefined, run: Execute, place: string): Execute {
  return () => {
    if (fault?.name === 'error-500') throw internalError();
    const body = run();
    if (fault?.name === 'error-500-committed') throw internalError();
    if (body === undefined) throw new Error(`${place} returned nothing`);
    return body;
  };
}

/** Executes, and keeps the answer under the key whether it is a success or an error. */
function settle(deps: ApiDeps, account: Account, visit: Visit, run: Execute): Answer {
  visit.reached = true;
  let answer: Answer;
  try {
    answer = { status: 200, body: run(), headers: {}, replayed: false };
  } catch (error) {
    answer = refusalOf(error, visit, deps.pageUrl());
  }
  if (visit.key !== null) {
    account.settleKey(visit.key, { status: answer.status, body: answer.body, requestId: visit.requestId });
  }
  return answer;
}

/** @returns undefined when the request goes on in spite of it. @throws StripeError the answer */
function applyArrival(fault: Fault, visit: Visit): Verdict | undefined {
  switch (fault.name) {
    case 'reset':
      return { kind: 'cut' };
    case 'hang':
      return { kind: 'hang', forMs: fault.delay_ms };
    case 'refuse-503':
      throw unavailable();
    case 'rate-limited':
      throw rateLimited(fault.reason ?? 'global-rate');
    case 'lock-timeout':
      throw lockTimeout();
    case 'unauthorized':
      throw invalidKey(visit.apiKey);
    case 'forbidden':
      throw lacksRight(visit.apiKey);
    case 'revoked-key':
      throw expiredKey(visit.apiKey);
    case 'conflict-409':
      throw keyInUse(visit.key ?? '');
    default:
      return undefined;
  }
}

function note(
  deps: ApiDeps,
  visit: Visit,
  answer: Pick<Answer, 'status' | 'replayed'> | null,
  outcome: Outcome,
): void {
  deps.log.add(logged(visit, answer, outcome, deps.clock()));
}

async function pause(ms: number): Promise<void> {
  if (ms > 0) await sleep(ms);
}
