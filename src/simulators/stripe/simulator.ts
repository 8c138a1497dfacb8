/** Puts the parts together and listens. */

import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { Account, type AccountDeps } from './account';
import { answerControl, type ControlDeps } from './controls';
import { DELIVERY_SCHEDULE } from './deliveries';
import { MAX_EVENTS } from './events';
import { FaultBoard } from './fault-board';
import { makeIds, strongRandom } from './ids';
import { noJournal, openJournal, readJournal } from './journal';
import { type ApiDeps, answerApi } from './lifecycle';
import { makeLimiter } from './limiter';
import { DEFAULT_HOST, DEFAULT_IDEMPOTENCY_HOURS, DEFAULT_PORT, type SimulatorOptions } from './options';
import { answerPage } from './page';
import { RequestLog } from './request-log';
import { makePoster } from './webhook-post';

export type Simulator = {
  url: string;
  port: number;
  /** Stops listening, lets requests under way finish (at most a second), writes what is unwritten. */
  close: () => Promise<void>;
};

const ACCOUNT_ID = 'acct_sim';
const OTHER_ACCOUNT_ID = 'acct_other';
const MS_PER_HOUR = 3_600_000;
const CLOSE_GRACE_MS = 1_000;
/** Longer than any client keeps an idle connection, so that the client closes first and no request is cut. */
const KEEP_ALIVE_MS = 75_000;

/**
 * @returns when the simulator listens
 * @throws Error naming SIMULATOR_PORT when the port is taken, SIMULATOR_DATA when the folder cannot be used
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const schedule = { ...DELIVERY_SCHEDULE, ...options.deliverySchedule };
  const poster = makePoster(schedule.concurrency);
  const clock = options.clock ?? Date.now;
  const shared = {
    ids: makeIds(options.random ?? strongRandom),
    clock,
    post: poster.post,
    schedule,
    maxEvents: options.maxEvents ?? MAX_EVENTS,
    keyMaxAgeMs: (options.idempotencyHours ?? DEFAULT_IDEMPOTENCY_HOURS) * MS_PER_HOUR,
  };
  const account = await openAccount({ ...shared, id: ACCOUNT_ID, webhook: options.webhook }, options.dataDir);
  const otherAccount = new Account({ ...shared, id: OTHER_ACCOUNT_ID, journal: noJournal });
  const parts = {
    account,
    otherAccount,
    clock,
    ids: shared.ids,
    faults: new FaultBoard(),
    faultsAllowed: options.faults ?? false,
    log: new RequestLog(),
    limiter: makeLimiter(options.rateLimitPerSecond ?? 0),
    latencyMs: options.latencyMs ?? 0,
    pageUrl: () => url,
  };
  const server = http.createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    void answer(parts, request, response);
  });
  let url = '';
  const host = options.host ?? DEFAULT_HOST;
  const port = await listen(server, host, options.port ?? DEFAULT_PORT);
  url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    url,
    port,
    close: async () => {
      await stopServer(server);
      await Promise.all([account.close(), otherAccount.close()]);
      poster.close();
    },
  };
}

async function openAccount(
  deps: Omit<AccountDeps, 'journal'>,
  dataDir: string | undefined,
): Promise<Account> {
  if (dataDir === undefined) return new Account({ ...deps, journal: noJournal });
  const lines = await readJournal(dataDir);
  const account = new Account({ ...deps, journal: await openJournal(dataDir) });
  await account.restore(lines);
  return account;
}

async function answer(
  parts: ApiDeps & ControlDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A client that goes away is its own affair.
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  const url = request.url ?? '/';
  try {
    if (url === '/v1' || url.startsWith('/v1/')) await answerApi(parts, request, response);
    else if (url.startsWith('/_sim/')) await answerControl(parts, request, response);
    else answerPage(request, response);
  } catch (error) {
    if (!request.destroyed) process.stderr.write(`simulator: ${request.method} ${url}: ${String(error)}\n`);
    if (!response.headersSent) response.writeHead(500);
    response.end();
  }
}

function listen(server: http.Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      const why = taken ? 'is taken by another program' : `cannot be used (${cause.code})`;
      reject(
        new Error(`The simulator's port ${port} on ${host} ${why}. Set SIMULATOR_PORT to another.`, {
          cause,
        }),
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      if (address === null || typeof address === 'string')
        reject(new Error('The simulator has no TCP address.'));
      else resolve(address.port);
    });
  });
}

function stopServer(server: http.Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
