/** The controls under /_sim: what was asked, start over, faults. Nothing of the real Stripe lives here. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Account } from './account';
import { readBody } from './body';
import { StripeError } from './errors';
import type { FaultBoard } from './fault-board';
import { faultsSchema, knownFaults, matchParameters, MAX_FAULTS } from './fault-table';
import { decodeUtf8 } from './form';
import { type RequestLog, requestQuery } from './request-log';

export type ControlDeps = {
  account: Account;
  otherAccount: Account;
  faults: FaultBoard;
  faultsAllowed: boolean;
  log: RequestLog;
};

type Control = (deps: ControlDeps, request: IncomingMessage, query: URLSearchParams) => unknown;
type Reply = { status: number; body: unknown };

const FAULTS_PATH = '/_sim/faults';
const SHOWN_DELIVERIES = 100;
const SHOWN_FOUND = 100;

const controls: Record<string, Record<string, Control>> = {
  '/_sim/health': {
    GET: ({ account }) => ({ status: 'ok', account: account.id, customers: account.customers.size }),
  },
  '/_sim/requests': { GET: showRequests },
  '/_sim/customers': { GET: searchCustomers },
  '/_sim/pulse': {
    GET: ({ account, log, faults }) => ({
      faults: faults.size,
      account: account.revision,
      deliveries: account.deliveries.revision,
      requests: log.revision,
    }),
  },
  '/_sim/deliveries': {
    GET: ({ account }) => ({ data: account.deliveries.recent(SHOWN_DELIVERIES) }),
  },
  '/_sim/reset': { POST: reset },
  [FAULTS_PATH]: { GET: showFaults, POST: addFaults, DELETE: clearFaults },
};

export async function answerControl(
  deps: ControlDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, body } = await control(deps, request);
  const text = `${JSON.stringify(body, null, 2)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(status === 413 ? { connection: 'close' } : {}),
  });
  response.end(text);
}

function controlFor(method: string, path: string): Control | undefined {
  if (Object.hasOwn(controls, path)) return controls[path]?.[method];
  const id = path.startsWith(`${FAULTS_PATH}/`) ? path.slice(FAULTS_PATH.length + 1) : '';
  return method === 'DELETE' && id !== '' ? (deps) => clearFault(deps, id) : undefined;
}

async function control(deps: ControlDeps, request: IncomingMessage): Promise<Reply> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const act = controlFor(request.method ?? '', path);
  const isFault = path === FAULTS_PATH || path.startsWith(`${FAULTS_PATH}/`);
  if (!act || (isFault && !deps.faultsAllowed)) {
    const hint = isFault && !deps.faultsAllowed ? ' Start the simulator with SIMULATOR_FAULTS=1.' : '';
    return { status: 404, body: { error: `There is no ${request.method} ${path} here.${hint}` } };
  }
  if (request.method !== 'GET' && fromOtherSite(request)) {
    return { status: 403, body: { error: 'Controls are not for pages of other sites.' } };
  }
  try {
    return { status: 200, body: await act(deps, request, new URLSearchParams(query)) };
  } catch (error) {
    if (error instanceof StripeError) return { status: error.fields.status, body: { error: error.message } };
    if (error instanceof ControlError) return { status: error.status, body: { error: error.message } };
    throw error;
  }
}

/** The controls need no key, so a page of another site must not be able to press them from a browser. */
function fromOtherSite({ headers }: IncomingMessage): boolean {
  const { origin } = headers;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== headers.host;
}

class ControlError extends Error {
  constructor(
    message: string,
    readonly status: 400 | 404 = 400,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

function showRequests({ log }: ControlDeps, _request: IncomingMessage, query: URLSearchParams): unknown {
  const parsed = requestQuery.safeParse(Object.fromEntries(query));
  if (!parsed.success) {
    throw new ControlError(parsed.error.issues.map((issue) => issue.message).join('. '));
  }
  const data = log.find(parsed.data);
  if (data === null) {
    throw new ControlError('since is the id of a request that is still kept, or a time (ISO 8601, or ms).');
  }
  return { data };
}

/** For the page's search field: name, e-mail or id contains the text, whatever the case. */
function searchCustomers(
  { account }: ControlDeps,
  _request: IncomingMessage,
  query: URLSearchParams,
): unknown {
  const text = (query.get('q') ?? '').trim().toLowerCase();
  return account.customers.list({ limit: SHOWN_FOUND }, ({ id, name, email }) =>
    [id, name, email].some((field) => field?.toLowerCase().includes(text)),
  );
}

async function reset({ account, otherAccount, log, faults }: ControlDeps): Promise<unknown> {
  await Promise.all([account.reset(), otherAccount.reset()]);
  log.clear();
  faults.clear();
  return { status: 'reset' };
}

function showFaults({ faults }: ControlDeps): unknown {
  return {
    data: faults.active(),
    used_up: faults.usedUp(),
    known: knownFaults(),
    every_fault_takes: matchParameters(),
  };
}

function clearFaults({ faults }: ControlDeps): unknown {
  faults.clear();
  return { data: [] };
}

function clearFault({ faults }: ControlDeps, id: string): unknown {
  if (!faults.remove(id)) throw new ControlError(`There is no active fault ${id}.`, 404);
  return { data: faults.active() };
}

/** All or nothing: one wrong entry and none is added. */
async function addFaults({ faults, account }: ControlDeps, request: IncomingMessage): Promise<unknown> {
  const parsed = faultsSchema.safeParse(parseJson(decodeUtf8(await readBody(request))));
  if (!parsed.success) throw new ControlError(`Nothing changed. ${z.prettifyError(parsed.error)}`);
  const added = faults.add(parsed.data.faults);
  if (added === null) throw new ControlError(`Nothing changed. At most ${MAX_FAULTS} faults can be active.`);
  if (added.some((fault) => fault.name === 'expire-keys')) account.forgetKeys();
  return { added, data: faults.active() };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ControlError('Nothing changed. The body is not JSON.', 400, { cause });
  }
}
