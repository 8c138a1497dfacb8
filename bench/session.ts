/** One program that measures: starts a stage, works on it, and leaves nothing behind, however it ends. */
import { createStage } from './rig';
import type { Rig } from './rig';

/** npm hands its child the Ctrl-C which the terminal has already sent, so two signals this close are one. */
const SAME_KEYPRESS_MS = 400;
const EXIT_INTERRUPTED = 130;

/** On standard error: what is measured goes to standard output. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Rejects at the first signal, so that everything is cleaned up; a later one does not wait for that. */
function interruption(kill: () => void): Promise<never> {
  let firstMs: number | null = null;
  return new Promise((_, reject) => {
    const onSignal = (): void => {
      if (firstMs === null) {
        firstMs = performance.now();
        reject(new Error('interrupted'));
      } else if (performance.now() - firstMs > SAME_KEYPRESS_MS) {
        kill();
        process.exit(EXIT_INTERRUPTED);
      }
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  });
}

function timeLimit(ms: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`not done after ${ms / 60_000} minutes`)), ms).unref();
  });
}

/** Something that the system needs and that is not started with it. */
export interface Beside {
  /** Configuration that leads the system to it. */
  readonly variables: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export interface SessionOptions {
  /** A run that hangs ends by itself. */
  readonly totalMaxMs: number;
  /** Configuration of the system. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Opened before the system starts and closed when it has ended. */
  readonly beside?: () => Promise<Beside>;
}

async function onStage(options: SessionOptions, work: (rig: Rig) => Promise<boolean>): Promise<boolean> {
  const beside = await options.beside?.();
  try {
    return await onStageBeside({ ...options.variables, ...beside?.variables }, options.totalMaxMs, work);
  } finally {
    await beside?.close();
  }
}

async function onStageBeside(
  variables: Readonly<Record<string, string>>,
  totalMaxMs: number,
  work: (rig: Rig) => Promise<boolean>,
): Promise<boolean> {
  const stage = await createStage(say, variables);
  const run = async (): Promise<boolean> => {
    say('… starting the system');
    return work(await stage.start());
  };
  try {
    return await Promise.race([run(), interruption(() => stage.kill()), timeLimit(totalMaxMs)]);
  } finally {
    await stage.stop();
  }
}

/**
 * Runs the program and ends the process.
 * @param work tells whether what was wanted was measured: exit code 0 or 1
 */
export function runSession(
  name: string,
  options: SessionOptions,
  work: (rig: Rig) => Promise<boolean>,
): void {
  onStage(options, work).then(
    (fine) => process.exit(fine ? 0 : 1),
    (error: unknown) => {
      const interrupted = error instanceof Error && error.message === 'interrupted';
      say(
        `${name}: ${interrupted || !(error instanceof Error) ? String(error) : (error.stack ?? error.message)}`,
      );
      process.exit(interrupted ? EXIT_INTERRUPTED : 1);
    },
  );
}
