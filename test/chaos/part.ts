/** The processes of a chaos run: each is started, killed, stopped, held and let go on by name, and none is left behind. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchExit } from '../../src/embedded/part';
import type { Exit, RunningPart } from '../../src/embedded/part';
import { signal, waitForEnd } from '../../src/embedded/processes';

export const PROGRAMS = path.join(__dirname, '..', '..', 'src', 'bin');
const ENDS_WITH_US = path.join(__dirname, '..', '..', 'src', 'embedded', 'endWithSupervisor.js');
/** What supervises the programs starts them again after this time. */
const RESTART_AFTER_MS = 500;
const KILL_WAIT_MS = 10_000;

export interface Part {
  readonly name: string;
  pid(): number | null;
  /** Does nothing when it runs. It runs afterwards, which does not mean that it is ready. */
  start(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Asks it to end. @returns milliseconds until it had; null when it did not within `within_ms` and was killed */
  terminate(within_ms: number): Promise<number | null>;
  /** From now on it is not started any more, whoever asks. */
  retire(): void;
  hold(): void;
  letGoOn(): void;
  /** How it ended without having been asked to. */
  readonly unasked: readonly Exit[];
}

/** `begin` starts one process; everything else is alike for all parts. */
export function createPart(
  name: string,
  begin: () => Promise<Pick<RunningPart, 'pid' | 'exited'>>,
  endSignal: NodeJS.Signals,
): Part {
  let running: Pick<RunningPart, 'pid' | 'exited'> | null = null;
  let starting: Promise<void> | null = null;
  let wanted = false;
  let retired = false;
  const unasked: Exit[] = [];

  async function startOnce(): Promise<void> {
    const started = await begin();
    running = started;
    void watchOver(started);
  }

  /** What ended without having been asked to is started again, as its supervisor would. */
  async function watchOver(started: Pick<RunningPart, 'pid' | 'exited'>): Promise<void> {
    const exit = await started.exited;
    if (running === started) running = null;
    if (!wanted) return;
    unasked.push(exit);
    await sleep(RESTART_AFTER_MS, undefined, { ref: false });
    if (wanted)
      await start().catch((error: unknown) => console.error(`${name} does not start again:`, error));
  }

  function start(): Promise<void> {
    if (retired) return Promise.resolve();
    wanted = true;
    if (running !== null) return Promise.resolve();
    starting ??= startOnce().finally(() => {
      starting = null;
    });
    return starting;
  }

  async function ended(): Promise<typeof running> {
    wanted = false;
    // what is just starting is waited for, so that it can be ended; its failure is the starter's to tell
    await starting?.catch(() => undefined);
    wanted = false;
    return running;
  }

  async function kill(): Promise<void> {
    const ending = await ended();
    if (ending === null) return;
    signal(ending.pid, 'SIGKILL');
    if (!(await waitForEnd(ending.pid, KILL_WAIT_MS)))
      throw new Error(`${name} (${ending.pid}) survived SIGKILL`);
    await ending.exited;
  }

  return {
    name,
    unasked,
    pid: () => running?.pid ?? null,
    start,
    kill,
    async terminate(within_ms) {
      const ending = await ended();
      if (ending === null) return 0;
      const began = Date.now();
      signal(ending.pid, endSignal);
      if (await waitForEnd(ending.pid, within_ms)) {
        await ending.exited;
        return Date.now() - began;
      }
      await kill();
      return null;
    },
    retire: () => void (retired = true),
    hold: () => void (running !== null && signal(running.pid, 'SIGSTOP')),
    letGoOn: () => void (running !== null && signal(running.pid, 'SIGCONT')),
  };
}

/** One of our own programs, as built. It ends by itself when this process is gone. */
export function programPart(
  name: string,
  program: string,
  env: Record<string, string>,
  logFolder: string,
): Part {
  const begin = async (): Promise<Pick<RunningPart, 'pid' | 'exited'>> => {
    mkdirSync(logFolder, { recursive: true });
    const log = openSync(path.join(logFolder, `${name}.log`), 'a');
    const child: ChildProcess = spawn(
      process.execPath,
      ['--enable-source-maps', '--require', ENDS_WITH_US, path.join(PROGRAMS, `${program}.js`)],
      {
        env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
        // an empty folder: no .env of a developer is read
        cwd: logFolder,
        stdio: ['ignore', log, log, 'ipc'],
        // its own process group: a Ctrl-C is ours to pass on
        detached: true,
      },
    );
    closeSync(log);
    const exited = watchExit(child);
    const { pid } = child;
    if (pid === undefined) throw new Error(`${name} could not be started`);
    return { pid, exited };
  };
  return createPart(name, begin, 'SIGTERM');
}
