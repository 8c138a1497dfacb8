import { spawn } from 'node:child_process';
import path from 'node:path';

import { watchExit, type RunningPart } from './part';
import { endProcess, type EndStep } from './processes';
import type { LogSink } from './programLog';

/** A worker finishes the activities it has begun; they are bounded by their own time-outs. */
const END_STEPS: readonly EndStep[] = [{ signal: 'SIGTERM', waitMs: 15_000 }];

export interface NodeProgram {
  readonly name: string;
  /** Absolute path of the compiled program. */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly log: LogSink;
}

/** Starts one of our own programs in its own process group. It runs, which does not mean that it is ready. */
export function startNodeProgram(program: NodeProgram): RunningPart {
  const preload = path.join(__dirname, 'endWithSupervisor.js');
  const child = spawn(process.execPath, ['--enable-source-maps', '--require', preload, program.script], {
    cwd: program.cwd,
    env: { ...program.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: process.platform !== 'win32', // on Windows this would open a console window
    windowsHide: true,
  });
  const exited = watchExit(child);
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => program.log.write(chunk, 'stdout'));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => program.log.write(chunk, 'stderr'));
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program.name} could not be started: ${program.script}`);
  return {
    pid,
    exited,
    async stop() {
      if (process.platform === 'win32' && child.connected) child.send('stop');
      await endProcess(pid, program.name, process.platform === 'win32' ? WAIT_ONLY : END_STEPS);
      await exited;
    },
  };
}

/** Signal 0 asks nothing of the process; the message above has. */
const WAIT_ONLY: readonly EndStep[] = [{ signal: 0, waitMs: 15_000 }];
