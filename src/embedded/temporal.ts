/**
 * Temporal's own dev server (with Web UI) for people who have configured no Temporal.
 * May touch: node:*, its neighbours in this folder.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { watchExit, type RunningPart } from './part';
import { endProcess, type EndStep } from './processes';

const READY_DEADLINE_MS = 60_000;
const READY_POLL_MS = 25;
const READY_REQUEST_TIMEOUT_MS = 2_000;
const LOG_TAIL_LINES = 12;
const END_STEPS: readonly EndStep[] = [
  { signal: 'SIGINT', waitMs: 8_000 },
  { signal: 'SIGTERM', waitMs: 2_000 },
];

/**
 * The defaults cost 50 ms a hop: the one history shard polls its transfer queue at most 20 times a second.
 * Measured on 2 cores, signal -> local activity -> activity on a second queue, idle: p50 100 ms by default, 24 ms so.
 */
const DYNAMIC_CONFIG = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'system.enableActivityEagerExecution': true,
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
};

/**
 * The server's own choice is a rollback journal. Measured on 2 cores, signalWithStart one after the other: p50 6.6 ms so,
 * 3.0 ms with these; 20 at a time on a busy machine: p50 510 ms so, 140 ms with these. A killed process loses nothing; a
 * power failure may lose the last transactions but never the file (https://www.sqlite.org/wal.html), and runs are
 * disposable: what is due stands in Postgres.
 */
const SQLITE_PRAGMAS = { journal_mode: 'wal', synchronous: 1 };

export interface TemporalOptions {
  /** Path of the Temporal CLI. */
  readonly binary: string;
  /** Absolute path of the SQLite file; null keeps everything in memory (tests). */
  readonly databaseFile: string | null;
  readonly port: number;
  readonly uiPort: number;
  readonly namespace: string;
  /** Absolute; appended to. */
  readonly logFile: string;
  /** Told the process id before it is ready, so that a start that is killed meanwhile leaves a trace of it. */
  readonly onSpawn?: (pid: number) => void;
}

export interface RunningTemporal extends RunningPart {
  /** host:port of the frontend. */
  readonly address: string;
  readonly uiUrl: string;
}

function serverArguments(options: TemporalOptions): string[] {
  const args = ['server', 'start-dev', '--headless=false', '--ip', '127.0.0.1'];
  args.push('--port', String(options.port), '--ui-port', String(options.uiPort));
  args.push('--namespace', options.namespace, '--log-level', 'error', '--color', 'never');
  if (options.databaseFile !== null) {
    args.push('--db-filename', options.databaseFile);
    for (const [name, value] of Object.entries(SQLITE_PRAGMAS))
      args.push('--sqlite-pragma', `${name}=${value}`);
  }
  for (const [key, value] of Object.entries(DYNAMIC_CONFIG))
    args.push('--dynamic-config-value', `${key}=${value}`);
  return args;
}

/** The CLI reads TEMPORAL_* as settings of a client; none of them is meant for this server. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}

/**
 * Ready is when the namespace answers through the Web UI's own API: that proves frontend, store and UI in one question.
 * An open port alone comes a second too early.
 */
async function isReady(options: TemporalOptions): Promise<boolean> {
  const url = `http://127.0.0.1:${options.uiPort}/api/v1/namespaces/${encodeURIComponent(options.namespace)}`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(READY_REQUEST_TIMEOUT_MS) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false; // not listening yet
  }
}

function tail(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
}

/** Starts the dev server and waits until its namespace answers. Throws with the end of its log when it does not. */
export async function startTemporal(options: TemporalOptions): Promise<RunningTemporal> {
  if (options.databaseFile !== null) mkdirSync(path.dirname(options.databaseFile), { recursive: true });
  mkdirSync(path.dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const child = spawn(options.binary, serverArguments(options), {
    env: environment(),
    stdio: ['ignore', log, log],
    detached: true, // its own process group: Ctrl-C must reach its users first
    windowsHide: true,
  });
  closeSync(log);
  const exited = watchExit(child);
  if (child.pid !== undefined) options.onSpawn?.(child.pid);
  const gone = { done: false };
  void exited.then(() => (gone.done = true));
  const address = `127.0.0.1:${options.port}`;
  const deadline = Date.now() + READY_DEADLINE_MS;
  while (!(await isReady(options))) {
    if (gone.done || child.pid === undefined) {
      throw new Error(
        `Temporal (${options.binary}) ended while starting. The end of ${options.logFile}:\n${tail(options.logFile)}`,
      );
    }
    if (Date.now() > deadline) {
      await endProcess(child.pid, 'Temporal', END_STEPS);
      throw new Error(
        `Temporal did not answer within ${READY_DEADLINE_MS / 1000} s. The end of ${options.logFile}:\n${tail(options.logFile)}`,
      );
    }
    await sleep(READY_POLL_MS);
  }
  const { pid } = child;
  if (pid === undefined) throw new Error('Temporal has no process id: it was not started by us');
  return {
    address,
    uiUrl: `http://127.0.0.1:${options.uiPort}`,
    pid,
    exited,
    stop: () => endProcess(pid, 'Temporal', END_STEPS),
  };
}
