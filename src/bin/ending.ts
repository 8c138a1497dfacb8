/** How a process ends that is told to: its parts in order, and within a bound whatever hangs. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

/**
 * Connections whose other side has vanished never say that they are closed. When all parts have ended they get this long, and
 * hold the process no longer.
 */
const LEFT_OPEN_MS = 1_000;

export interface Ending {
  readonly stopped: () => boolean;
  /** Ends early when the process is told to end. */
  readonly pause: (ms: number) => Promise<void>;
  /** Called once, when the process is told to end. */
  readonly onStop: (end: () => void) => void;
  readonly stop: () => void;
  /** What is told as not ended, until it is, when the bound is over. */
  readonly part: <T>(name: string, end: Promise<T>) => Promise<T>;
  /** All parts have ended. */
  readonly finish: () => void;
}

/**
 * Begins at SIGTERM, at SIGINT, or at `stop`.
 * @param boundMs of the whole end: then the process is ended with 1, which is as safe as its loss would be. Less than whoever
 * supervises it waits, so that the log says what hung (docker-compose.yml, `stop_grace_period`).
 */
export function createEnding(log: Pick<Logger, 'error'>, boundMs: number): Ending {
  const signal = new AbortController();
  const ends: Array<() => void> = [];
  const parts = new Map<symbol, string>();

  function giveUp(): void {
    log.error(
      { not_ended: [...parts.values()] },
      `told to end, and not all of it has within ${boundMs / 1_000} s: the process ends as it is; others take up what it had under way`,
    );
    process.exit(1);
  }

  function stop(): void {
    if (signal.signal.aborted) return;
    signal.abort();
    setTimeout(giveUp, boundMs).unref();
    for (const end of ends) end();
  }
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);

  return {
    stopped: () => signal.signal.aborted,
    // an aborted pause is a pause that is over
    pause: (ms) => sleep(ms, undefined, { signal: signal.signal }).catch(() => undefined),
    onStop: (end) => void ends.push(end),
    stop,
    async part(name, end) {
      const key = Symbol(name);
      parts.set(key, name);
      try {
        return await end;
      } finally {
        parts.delete(key);
      }
    },
    finish: () => void setTimeout(() => process.exit(), LEFT_OPEN_MS).unref(),
  };
}
