import type { ChildProcess } from 'node:child_process';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One process of the system while it runs. */
export interface RunningPart {
  readonly pid: number;
  /** Settles when the process has ended, for whatever reason. */
  readonly exited: Promise<Exit>;
  /** Ends it in the order it likes; resolves when it is gone. */
  stop(): Promise<void>;
}

/** To be called right after spawn: a program that cannot be started at all counts as ended. */
export function watchExit(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
}

export function describeExit(exit: Exit): string {
  if (exit.signal !== null) return `was killed (${exit.signal})`;
  return exit.code === null ? 'could not be started' : `ended with code ${exit.code}`;
}
