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

async function onStage(
  options: { totalMaxMs: number; variables?: Readonly<Record<string, string>> },
  work: (rig: Rig) => Promise<boolean>,
): Promise<boolean> {
  const stage = await createStage(say, options.variables);
  const run = async (): Promise<boolean> => {
    say('… starting the system');
    return work(await stage.start());
  };
  try {
    return await Promise.race([run(), interruption(() => stage.kill()), timeLimit(options.totalMaxMs)]);
  } finally {
    await stage.stop();
  }
}

/**
 * Runs the program and ends the process.
 * @param options.totalMaxMs a run that hangs ends by itself; @param options.variables configuration of the system
 * @param work tells whether what was wanted was measured: exit code 0 or 1
 */
export function runSession(
  name: string,
  options: { totalMaxMs: number; variables?: Readonly<Record<string, string>> },
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
