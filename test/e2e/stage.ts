/**
 * The whole product for one test file: simulator in this process, api and worker as the real processes they are, a
 * database and a Temporal namespace of its own on the run's servers. Parts are killed, stopped and started by name.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { Pool } from 'pg';
import { startSimulator } from '../../src/simulators/stripe';
import type { Simulator } from '../../src/simulators/stripe';
import { anyFreePort } from '../../src/embedded/ports';
import { freshDatabase } from '../environment/database';
import { freshNamespace } from '../environment/namespace';
import { until } from '../environment/until';

const BIN = path.join(__dirname, '..', '..', 'dist', 'src', 'bin');
/** Signs what the simulator delivers. */
export const SECRET = 'whsec_e2e0123456789abcdef0123456789abcdef';
const READY_MS = 30_000;
const KEPT_LOG_CHARS = 20_000;

// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests, field by field
export type Loose = any;

export interface Part {
  /** Everything it printed, the newest part of it. */
  output(): string;
  start(): Promise<void>;
  /** SIGTERM, and waits for its end. @returns the exit code */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
  pause(): void;
  continue(): void;
}

export interface Stage {
  readonly url: string;
  readonly workerUrl: string;
  readonly simulator: Simulator;
  readonly pool: Pool;
  readonly databaseUrl: string;
  readonly temporal: { readonly address: string; readonly namespace: string };
  /** What api and worker are started with: for more of them. */
  readonly env: Readonly<Record<string, string>>;
  readonly api: Part;
  readonly worker: Part;
  /** A call to the API; the body of the answer, or null. */
  call(method: string, route: string, body?: unknown, headers?: Record<string, string>): Promise<Loose>;
  /** A call to the simulator as its dashboard's user would make it, or to its controls. */
  stripe(method: string, route: string, params?: Record<string, string>): Promise<Loose>;
  /** Mutations the simulator has heard from the product. */
  writes(): Promise<Loose[]>;
  /** Resolves when the queue is empty and no look is under way. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface StageOptions {
  /** False: no webhook endpoint; the product polls. */
  readonly webhooks?: boolean;
  /** True: the product is told under which address it is reached, and registers itself. */
  readonly publicUrl?: boolean;
  /** More environment for api and worker. */
  readonly env?: Record<string, string>;
  /** A Temporal server of the test's own, which it may stop. */
  readonly temporal?: { readonly address: string; readonly namespace: string };
  /** A migrated database on a Postgres of the test's own, which it may stop. */
  readonly databaseUrl?: string;
  /** False: api and worker are left for the test to start. */
  readonly start?: boolean;
  /** Told the simulator before api and worker start. */
  readonly onSimulator?: (simulator: Simulator) => void;
  readonly simulator?: Parameters<typeof startSimulator>[0];
  /** A running simulator, in place of one of its own: another stage shares it, or it outlives this one. */
  readonly account?: Simulator;
}

/** @param program in the build, or an absolute path */
export function createPart(program: string, env: Record<string, string>, health: string): Part {
  let child: ChildProcess | null = null;
  let printed = '';
  const keep = (chunk: Buffer): void => {
    printed = (printed + chunk.toString('utf8')).slice(-KEPT_LOG_CHARS);
  };
  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null) return ending?.exitCode ?? null;
    const ended = once(ending, 'exit');
    ending.kill(signal);
    await ended;
    return ending.exitCode;
  }
  return {
    output: () => printed,
    async start() {
      child = spawn(process.execPath, [path.resolve(BIN, program)], {
        env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
        // an empty folder: no .env of a developer is read
        cwd: path.join(__dirname, '..', 'environment'),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child.stdout?.on('data', keep);
      child.stderr?.on('data', keep);
      const ready = async (): Promise<boolean> => {
        if (child?.exitCode !== null) throw new Error(`${program} ended at its start:\n${printed}`);
        return fetch(health).then(
          (answer) => answer.ok,
          () => false,
        );
      };
      await until(`${program} is ready\n${printed}`, ready, READY_MS);
    },
    stop: () => end('SIGTERM'),
    async kill() {
      await end('SIGKILL');
    },
    pause: () => void child?.kill('SIGSTOP'),
    continue: () => void child?.kill('SIGCONT'),
  };
}

async function bodyOf(answer: Response): Promise<Loose> {
  const text = await answer.text();
  return text === '' ? null : JSON.parse(text);
}

export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const port = await anyFreePort();
  const workerPort = await anyFreePort();
  const webhooks = options.webhooks ?? true;
  const [database, temporal, simulator] = await Promise.all([
    options.databaseUrl === undefined
      ? freshDatabase()
      : { url: options.databaseUrl, drop: async () => undefined },
    options.temporal ?? freshNamespace(),
    options.account ??
      startSimulator({
        port: 0,
        ...(webhooks ? { webhook: { url: `http://127.0.0.1:${port}/webhooks/stripe`, secret: SECRET } } : {}),
        ...options.simulator,
      }),
  ]);
  options.onSimulator?.(simulator);
  const env = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    STRIPE_API_KEY: 'sk_test_e2e',
    STRIPE_API_BASE: simulator.url,
    PORT: String(port),
    WORKER_PORT: String(workerPort),
    ...(webhooks ? { STRIPE_WEBHOOK_SECRET: SECRET } : { STRIPE_POLL_MS: '250' }),
    ...(options.publicUrl === true ? { PUBLIC_URL: `http://127.0.0.1:${port}` } : {}),
    ...options.env,
  };
  const url = `http://127.0.0.1:${port}`;
  const workerUrl = `http://127.0.0.1:${workerPort}`;
  const pool = new Pool({ connectionString: database.url, max: 4 });
  pool.on('error', () => undefined);
  const api = createPart('api.js', env, `${url}/health/ready`);
  const worker = createPart('worker.js', env, `${workerUrl}/health/ready`);
  async function close(): Promise<void> {
    await Promise.all([api.stop(), worker.stop()]);
    await pool.end();
    if (options.account === undefined) await simulator.close();
    await database.drop();
  }
  const parts = options.start === false ? [] : [api, worker];
  const started = await Promise.allSettled(parts.map((part) => part.start()));
  const failed = started.find((start) => start.status === 'rejected');
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }

  async function stripe(method: string, route: string, params?: Record<string, string>): Promise<Loose> {
    const control = route.startsWith('/_sim');
    const answer = await fetch(simulator.url + route, {
      method,
      headers: {
        authorization: 'Bearer sk_test_dashboard',
        ...(control && params !== undefined ? { 'content-type': 'application/json' } : {}),
      },
      ...(params === undefined
        ? {}
        : { body: control ? JSON.stringify(params) : new URLSearchParams(params) }),
    });
    const body = await bodyOf(answer);
    if (!answer.ok) throw new Error(`${method} ${route} answered ${answer.status}: ${JSON.stringify(body)}`);
    return body;
  }

  return {
    url,
    workerUrl,
    simulator,
    pool,
    databaseUrl: database.url,
    temporal,
    env,
    api,
    worker,
    stripe,
    async call(method, route, body, headers = {}) {
      const answer = await fetch(url + route, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, headers: answer.headers, body: await bodyOf(answer) };
    },
    async writes() {
      const { data } = await stripe('GET', '/_sim/requests?limit=10000');
      return data.filter(
        (request: Loose) => request.method !== 'GET' && request.idempotency_key?.startsWith('cp_'),
      );
    },
    async settled() {
      await until('the queue is empty', async () => {
        const { rows } = await pool.query('select count(*)::int as waiting from counterpart.work_queue');
        return rows[0].waiting === 0;
      });
    },
    close,
  };
}
