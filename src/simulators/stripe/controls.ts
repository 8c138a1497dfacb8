/** The controls under /_sim: what was asked, start over, faults. Nothing of the real Stripe lives here. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Account } from './account';
import { readBody } from './body';
import { StripeError } from './errors';
import { FAULTS, type FaultBoard, faultsSchema, MAX_FAULTS } from './faults';
import { decodeUtf8 } from './form';
import type { RequestLog } from './request-log';

export type ControlDeps = {
  account: Account;
  otherAccount: Account;
  faults: FaultBoard;
  faultsAllowed: boolean;
  log: RequestLog;
};

type Control = (deps: ControlDeps, request: IncomingMessage, query: URLSearchParams) => unknown;
type Reply = { status: number; body: unknown };

const SHOWN_DELIVERIES = 100;
const SHOWN_FOUND = 100;

const controls: Record<string, Record<string, Control>> = {
  '/_sim/health': {
    GET: ({ account }) => ({ status: 'ok', account: account.id, customers: account.customers.size }),
  },
  '/_sim/requests': {
    GET: ({ log }, _request, query) => ({
      data: log.since(query.get('since') ?? undefined).slice(-readLimit(query, Infinity)),
    }),
  },
  '/_sim/customers': { GET: searchCustomers },
  '/_sim/pulse': {
    GET: ({ account, log }) => ({
      account: account.revision,
      deliveries: account.deliveries.revision,
      requests: log.revision,
    }),
  },
  '/_sim/deliveries': {
    GET: ({ account }) => ({ data: account.deliveries.recent(SHOWN_DELIVERIES) }),
  },
  '/_sim/reset': { POST: reset },
  '/_sim/faults': { GET: showFaults, POST: addFaults, DELETE: clearFaults },
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

async function control(deps: ControlDeps, request: IncomingMessage): Promise<Reply> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const methods = controls[path];
  const act = Object.hasOwn(controls, path) ? methods?.[request.method ?? ''] : undefined;
  if (!act || (path === '/_sim/faults' && !deps.faultsAllowed)) {
    const hint = path === '/_sim/faults' ? ' Start the simulator with SIMULATOR_FAULTS=1.' : '';
    return { status: 404, body: { error: `There is no ${request.method} ${path} here.${hint}` } };
  }
  if (request.method !== 'GET' && fromOtherSite(request)) {
    return { status: 403, body: { error: 'Controls are not for pages of other sites.' } };
  }
  try {
    return { status: 200, body: await act(deps, request, new URLSearchParams(query)) };
  } catch (error) {
    if (error instanceof StripeError) return { status: error.fields.status, body: { error: error.message } };
    if (error instanceof ControlError) return { status: 400, body: { error: error.message } };
    throw error;
  }
}

/** The controls need no key, so a page of another site must not be able to press them from a browser. */
function fromOtherSite({ headers }: IncomingMessage): boolean {
  const { origin } = headers;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== headers.host;
}

class ControlError extends Error {}

function readLimit(query: URLSearchParams, fallback: number): number {
  const limit = Number(query.get('limit') ?? fallback);
  return limit >= 1 ? limit : fallback;
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
  const known = Object.entries(FAULTS).map(([name, fault]) => ({ name, ...fault }));
  return { data: faults.active(), known };
}

function clearFaults({ faults }: ControlDeps): unknown {
  faults.clear();
  return { data: [] };
}

/** All or nothing: one wrong entry and none is added. */
async function addFaults({ faults, account }: ControlDeps, request: IncomingMessage): Promise<unknown> {
  const parsed = faultsSchema.safeParse(parseJson(decodeUtf8(await readBody(request))));
  if (!parsed.success) throw new ControlError(`Nothing changed. ${z.prettifyError(parsed.error)}`);
  if (!faults.add(parsed.data.faults)) {
    throw new ControlError(`Nothing changed. At most ${MAX_FAULTS} faults can be active.`);
  }
  if (parsed.data.faults.some((fault) => fault.name === 'expire_keys')) account.forgetKeys();
  return { data: faults.active() };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ControlError('Nothing changed. The body is not JSON.', { cause });
  }
}
