/**
 * Keeps the parts of the system running: starts each, restarts what ends unasked, stops it for good when asked.
 * May touch: timers and what it is handed.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { describeExit, type Exit, type RunningPart } from './part';
import { messageOf } from './processes';

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 15_000;
/** Having run this long, a part is taken for healthy and its next restart is quick again. */
const HEALTHY_AFTER_MS = 30_000;
/** BSD's EX_CONFIG: the program says that trying again is of no use before a person has mended something. */
export const EXIT_NEEDS_A_PERSON = 78;

/** A part ended for what no waiting heals. */
export class GaveUp extends Error {
  override readonly name = 'GaveUp';
}

export interface Part<R extends RunningPart> {
  readonly name: string;
  start(): Promise<R>;
  /** Resolves once it can do its work, rejects when `signal` aborts. Without it that is so when it has started. */
  ready?(signal: AbortSignal): Promise<void>;
}

export interface Kept {
  /** Ends the part and does not restart it. */
  stop(): Promise<void>;
  /** Kills it at once; for a second Ctrl-C. */
  runningPid(): number | null;
}

export interface Hooks {
  readonly say: (line: string) => void;
  /** After each start. */
  readonly onStart: (name: string, pid: number) => void;
  /** The part has ended in a way that only a person can mend. */
  readonly onGiveUp: (name: string) => void;
}

export function backoffMs(failures: number): number {
  return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures, 10));
}

/**
 * Starts `part` and resolves once it has started; rejects when this first start fails. From then on it is restarted,
 * backing off, until stop() is called.
 */
export async function keepRunning<R extends RunningPart>(
  part: Part<R>,
  hooks: Hooks,
): Promise<Kept & { first: R }> {
  const state: { running: R | null; stopping: boolean } = { running: null, stopping: false };
  const ended = new AbortController();

  const begin = async (): Promise<R> => {
    const running = await part.start();
    state.running = running;
    hooks.onStart(part.name, running.pid);
    return running;
  };

  /** Of one that ends before it is ready, its end is told, and nothing else. */
  const sayWhenReady = async (running: R): Promise<void> => {
    const over = new AbortController();
    const abort = (): void => over.abort();
    ended.signal.addEventListener('abort', abort, { once: true });
    void running.exited.then(abort);
    try {
      await part.ready?.(over.signal);
      if (!state.stopping) hooks.say(`${part.name} runs again`);
    } catch (error) {
      if (!over.signal.aborted) throw error;
    } finally {
      ended.signal.removeEventListener('abort', abort);
    }
  };

  const restart = async (failuresSoFar: number): Promise<{ running: R; failures: number } | null> => {
    let failures = failuresSoFar;
    while (!state.stopping) {
      await sleep(backoffMs(failures), undefined, { signal: ended.signal }).catch(() => undefined);
      if (state.stopping) return null;
      try {
        const running = await begin();
        void sayWhenReady(running).catch((error: unknown) => hooks.say(`${part.name}: ${messageOf(error)}`));
        return { running, failures };
      } catch (error) {
        failures += 1;
        hooks.say(
          `${part.name} does not start: ${messageOf(error)}; trying again in ${backoffMs(failures) / 1000} s`,
        );
      }
    }
    return null;
  };

  const watch = async (firstRunning: R): Promise<void> => {
    let current: { running: R; failures: number } | null = { running: firstRunning, failures: 0 };
    while (current !== null) {
      const began = Date.now();
      const exit: Exit = await current.running.exited;
      state.running = null;
      if (state.stopping) return;
      if (exit.code === EXIT_NEEDS_A_PERSON) return hooks.onGiveUp(part.name);
      const failures: number = Date.now() - began > HEALTHY_AFTER_MS ? 0 : current.failures + 1;
      hooks.say(`${part.name} ${describeExit(exit)}; restarting it in ${backoffMs(failures) / 1000} s`);
      current = await restart(failures);
    }
  };

  const first = await begin();
  const watching = watch(first).catch((error: unknown) => hooks.say(`${part.name}: ${messageOf(error)}`));
  return {
    first,
    runningPid: () => state.running?.pid ?? null,
    async stop() {
      state.stopping = true;
      ended.abort();
      await state.running?.stop();
      await watching;
    },
  };
}

/** Runs a one-shot part until it ends well. Rejects when only a person can mend it, or when `signal` aborts. */
export async function runToEnd(part: Part<RunningPart>, hooks: Hooks, signal: AbortSignal): Promise<void> {
  for (let failures = 0; ; failures += 1) {
    signal.throwIfAborted();
    const running = await part.start();
    hooks.onStart(part.name, running.pid);
    const onAbort = () => {
      running.stop().catch((error: unknown) => hooks.say(`${part.name}: ${messageOf(error)}`));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const exit = await running.exited;
    signal.removeEventListener('abort', onAbort);
    if (exit.code === 0) return;
    if (exit.code === EXIT_NEEDS_A_PERSON)
      throw new GaveUp(`${part.name} ${describeExit(exit)}; its reason is above`);
    hooks.say(`${part.name} ${describeExit(exit)}; trying again in ${backoffMs(failures + 1) / 1000} s`);
    await sleep(backoffMs(failures + 1), undefined, { signal });
  }
}
