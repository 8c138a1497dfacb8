/**
 * The whole system on one machine: which parts there are, what each needs before it, in which order they stop.
 * May touch: its neighbours in this folder, the configuration. Knows the programs in src/bin by their file names only.
 */
import { EventEmitter, once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Config } from '../config';
import { runInBackground } from './background';
import type { ProcessRecord } from './dataFolder';
import { startNodeProgram } from './nodeProgram';
import type { RunningPart } from './part';
import { startPostgres } from './postgres';
import { signal as sendSignal } from './processes';
import { capLog, logSink, openLog } from './programLog';
import { waitUntilReady } from './readiness';
import { keepRunning, runToEnd, type Hooks, type Kept, type Part } from './supervisor';
import { startTemporal } from './temporal';
import { resolveTemporalBinary } from './temporalBinary';
import { programEnvironment, simulatorEnvironment, type Wiring } from './wiring';

/** Users before what they use. */
const STOP_ORDER = ['api', 'worker', 'simulator', 'temporal', 'postgres'] as const;
type PartName = (typeof STOP_ORDER)[number];
type ProgramName = 'api' | 'worker' | 'simulator' | 'migrate';

/** What works off the queue; whoever waits for an answer waits for one of the others. */
const IN_BACKGROUND: ReadonlySet<string> = new Set<PartName>(['worker', 'temporal']);

/** A part that is just starting is waited for this long before the others are stopped around it. */
const PENDING_START_MAX_MS = 10_000;
const LOG_CAP_EVERY_MS = 60_000;

export interface SystemOptions {
  readonly config: Config;
  readonly wiring: Wiring;
  readonly record: ProcessRecord;
  /** Folder of package.json. */
  readonly root: string;
  readonly say: (line: string) => void;
}

export interface System {
  /** Resolves with the name of a part that ended in a way only a person can mend; the caller then stops the system. */
  readonly gaveUp: Promise<string>;
  /** Starts everything and resolves when api and worker are ready. Rejects when a first start fails. */
  start(): Promise<void>;
  /** In order: api, worker, simulator, Temporal, Postgres. Also while start() is still at it. */
  stop(): Promise<void>;
  isStopping(): boolean;
  /** At once, without order. What Postgres has committed stays. */
  kill(): void;
}

export function createSystem(options: SystemOptions): System {
  const { config, wiring, record, root, say } = options;
  const logFolder = path.join(config.dataDir, 'logs');
  const kept = new Map<PartName, Kept>();
  const pending = new Set<Promise<unknown>>();
  const giveUp = new AbortController();
  const capped: string[] = [];
  const capTimer = setInterval(() => capped.forEach((file) => capLog(file)), LOG_CAP_EVERY_MS).unref();
  const events = new EventEmitter();
  const gaveUp = once(events, 'gave up').then(([name]) => String(name));
  /** Told of each process as soon as it is there. */
  function began(name: string, pid: number): void {
    record.add(name, pid);
    if (IN_BACKGROUND.has(name)) runInBackground(pid);
  }

  const readyUrl: Readonly<Record<ProgramName, string | null>> = {
    api: `${wiring.apiUrl}/health/ready`,
    worker: `${wiring.workerUrl}/health/ready`,
    simulator: wiring.simulatorUrl,
    migrate: null,
  };
  const hooks: Hooks = {
    say,
    onStart: began,
    onGiveUp: (name) => events.emit('gave up', name),
  };

  /** stop() waits for what is just starting, so that it can stop that too. */
  async function whilePending<T>(starting: Promise<T>): Promise<T> {
    pending.add(starting);
    try {
      return await starting;
    } finally {
      pending.delete(starting);
    }
  }

  async function keep<R extends RunningPart>(part: Part<R> & { name: PartName }): Promise<R> {
    giveUp.signal.throwIfAborted();
    const running = await whilePending(keepRunning(part, hooks));
    kept.set(part.name, running);
    return running.first;
  }

  function ownLog(name: string): string {
    const file = openLog(logFolder, name);
    capped.push(file);
    return file;
  }

  function program<N extends ProgramName>(
    name: N,
    env: Record<string, string>,
  ): Part<RunningPart> & { name: N } {
    const log = logSink(openLog(logFolder, name), name, say);
    const script = path.join(__dirname, '..', 'bin', `${name}.js`);
    const url = readyUrl[name];
    return {
      name,
      start: async () => startNodeProgram({ name, script, env, cwd: root, log }),
      ...(url === null ? {} : { ready: (signal) => waitUntilReady(name, url, say, signal) }),
    };
  }

  async function postgres(): Promise<void> {
    const { postgres: port } = wiring.ports;
    if (port === null) return;
    const logFile = ownLog('postgres');
    await keep({
      name: 'postgres',
      start: () =>
        startPostgres({ dataDir: config.dataDir, port, logFile, say: (line) => say(`postgres: ${line}`) }),
    });
  }

  async function temporal(): Promise<void> {
    const { temporal: port, temporalUi: uiPort } = wiring.ports;
    if (port === null || uiPort === null) return;
    const logFile = ownLog('temporal');
    const { cli, namespace } = config.temporal;
    const binary = await resolveTemporalBinary({ cli, env: config.variables, say, signal: giveUp.signal });
    const databaseFile = path.join(config.dataDir, 'temporal', 'temporal.db');
    await keep({
      name: 'temporal',
      start: () =>
        startTemporal({
          binary: binary.path,
          databaseFile,
          port,
          uiPort,
          namespace,
          logFile,
          onSpawn: (pid) => began('temporal', pid),
        }),
    });
  }

  async function simulator(): Promise<void> {
    if (wiring.simulatorUrl === null) return;
    await keep(program('simulator', simulatorEnvironment(config, wiring)));
    await waitUntilReady('the Stripe simulator', wiring.simulatorUrl, say, giveUp.signal);
  }

  /** The three servers side by side; migrations as soon as Postgres is there, then the API, which needs no other. */
  async function start(): Promise<void> {
    const env = programEnvironment(config, wiring);
    const database = postgres();
    const others = [temporal(), simulator()];
    const api = (async () => {
      await database;
      await whilePending(runToEnd(program('migrate', env), hooks, giveUp.signal));
      await keep(program('api', env));
    })();
    await Promise.all([api, ...others]);
    await keep(program('worker', env));
    await Promise.all([
      waitUntilReady('the API', `${wiring.apiUrl}/health/ready`, say, giveUp.signal),
      waitUntilReady('the worker', `${wiring.workerUrl}/health/ready`, say, giveUp.signal),
    ]);
  }

  async function stop(): Promise<void> {
    giveUp.abort(new Error('stopped while starting'));
    clearInterval(capTimer);
    await Promise.race([Promise.allSettled(pending), sleep(PENDING_START_MAX_MS, undefined, { ref: false })]);
    for (const name of STOP_ORDER) await kept.get(name)?.stop();
    record.clear();
  }

  function kill(): void {
    for (const part of kept.values()) {
      const pid = part.runningPid();
      if (pid !== null) sendSignal(pid, 'SIGKILL', 'group');
    }
  }

  return { gaveUp, start, stop, kill, isStopping: () => giveUp.signal.aborted };
}
