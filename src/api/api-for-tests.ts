/** What the tests of this room share: an API of its own over a database of its own, and raw calls to it. */
import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { freshDatabase } from '../../test/environment/database';
import { openDatabase } from '../store/database';
import type { Database } from '../store/database';
import type { ConnectionView } from './connections';
import type { ApiDeps } from './deps';
import { answerUnreadable, createApi } from './index';

// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests, field by field
export type Loose = any;

const WAITING_MAX_MS = 5_000;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Loose;
  readonly text: string;
}

export interface CallOptions {
  readonly headers?: Record<string, string>;
  /** Sent as it is instead of JSON. */
  readonly raw?: string | Uint8Array;
}

export interface TestApi {
  readonly url: string;
  readonly database: Database;
  /** Every line that was logged, as text. */
  readonly logged: string[];
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Reply>;
  /** Creates a customer and answers its body. */
  customer(fields?: object): Promise<Loose>;
  close(): Promise<void>;
}

export const STRIPE: ConnectionView = {
  name: 'stripe',
  system: 'stripe',
  account: 'acct_sim',
  mode: 'simulator',
  state: 'active',
  paused_at: null,
  reason: null,
  breaker: null,
  waiting: 0,
  rate_limit: null,
  degraded: [],
  webhook: null,
  held_deletions: [],
};

/** Nothing that needs a network: each test replaces what it is about. */
export function fakeDeps(database: Database, lines: string[] = []): ApiDeps {
  return {
    database,
    apiKeys: [],
    log: pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }),
    readiness: async () => ({ ready: true, status: 'ok', parts: { postgres: 'ok' } }),
    metricsText: async () => ({ contentType: 'text/plain; version=0.0.4', body: '# none\n' }),
    webhook: (_request, response) => void response.status(200).json({ received: true }),
    connections: {
      list: async () => [STRIPE],
      configured: () => ['stripe', 'crm'],
      pause: async (name) => (name === 'stripe' ? 'paused' : 'unknown'),
      resume: async (name) => (name === 'stripe' ? { kind: 'resumed' } : { kind: 'unknown' }),
    },
    clock: { now: () => Date.now() },
  };
}

export function callTo(url: string): TestApi['call'] {
  return async (method, path, body, options = {}) => {
    const sent = options.raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: { ...(sent === undefined ? {} : { 'content-type': type }), ...options.headers },
      ...(sent === undefined ? {} : { body: sent }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== '' ? JSON.parse(text) : null,
      text,
    };
  };
}

/** A request with nothing but what is given: `fetch` refuses some headers and adds others of its own. */
export function raw(
  url: string,
  options: http.RequestOptions,
  body?: Buffer,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Resolves once exactly `count` statements in this database wait for a lock. */
export async function untilWaiting(database: Database, count: number): Promise<void> {
  const deadline = Date.now() + WAITING_MAX_MS;
  for (;;) {
    const { rowCount } = await database.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (rowCount === count) return;
    if (Date.now() > deadline) throw new Error(`${rowCount} statements wait for a lock, not ${count}`);
  }
}

/** Holds whatever `statement` locks, until it is let go. */
export async function hold(
  database: Database,
  statement: string,
  values: readonly unknown[],
): Promise<{ query(text: string, values?: readonly unknown[]): Promise<unknown>; letGo(): Promise<void> }> {
  const client = await database.pool.connect();
  await client.query('begin');
  await client.query(statement, [...values]);
  return {
    query: (text, more = []) => client.query(text, [...more]),
    letGo: async () => {
      await client.query('commit');
      client.release();
    },
  };
}

/** Sends bytes that need not be a request, and resolves with all that is answered until the server hangs up. */
export function exchange(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('end', () => resolve(Buffer.concat(chunks).toString()));
  });
}

/** Listens on a free port. @returns its address and a way to end it */
export async function listen(
  app: http.RequestListener,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = answerUnreadable(http.createServer(app)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** An API over a fresh database that knows the connection `stripe`. */
export async function startForTest(change: (deps: ApiDeps) => ApiDeps = (deps) => deps): Promise<TestApi> {
  const fresh = await freshDatabase();
  const database = openDatabase(fresh.url, { max: 10, name: 'api test', onIdleError: () => undefined });
  await database.query(`insert into counterpart.connections (name, system) values ('stripe', 'stripe')`);
  const logged: string[] = [];
  const server = await listen(createApi(change(fakeDeps(database, logged))));
  const call = callTo(server.url);
  return {
    url: server.url,
    database,
    logged,
    call,
    customer: async (fields = { name: 'Ann' }) => (await call('POST', '/customers', fields)).body,
    close: async () => {
      await server.close();
      await database.close();
      await fresh.drop();
    },
  };
}
