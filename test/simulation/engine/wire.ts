/** What crosses between workflows, their server and their workers: plain data, so that nothing else can be shared. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  RetryState,
  TimeoutFailure,
} from '@temporalio/common';
import { msToNumber } from '@temporalio/common/lib/time';
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/common';

/** A failure as a history keeps it. */
export type Failure =
  | {
      readonly kind: 'application';
      readonly type: string;
      readonly message: string;
      /** JSON of an array. */
      readonly details: string;
      readonly nonRetryable: boolean;
      readonly nextRetry_ms: number | null;
    }
  | { readonly kind: 'timeout'; readonly type: 'START_TO_CLOSE' | 'SCHEDULE_TO_CLOSE' | 'HEARTBEAT' }
  | { readonly kind: 'cancelled' };

/** `value` is JSON; undefined where nothing was returned. */
export type Ending = { readonly kind: 'ok'; readonly value: string | undefined } | Failed;
export interface Failed {
  readonly kind: 'failed';
  readonly failure: Failure;
}

export interface Retrying {
  readonly startToClose_ms: number;
  readonly scheduleToClose_ms: number;
  readonly heartbeat_ms: number | null;
  readonly first_ms: number;
  readonly coefficient: number;
  readonly last_ms: number;
  readonly attemptsMax: number;
}

interface Scheduled {
  readonly seq: number;
  readonly name: string;
  /** JSON of the arguments. */
  readonly args: string;
  readonly retrying: Retrying;
}

/** What workflow code asks for. */
export type Command =
  | ({ readonly kind: 'local' } & Scheduled)
  | ({ readonly kind: 'activity'; readonly queue: string } & Scheduled)
  | { readonly kind: 'cancel activity'; readonly seq: number }
  | { readonly kind: 'timer'; readonly seq: number; readonly ms: number }
  | { readonly kind: 'cancel timer'; readonly seq: number }
  | { readonly kind: 'attributes'; readonly attributes: string }
  | { readonly kind: 'complete'; readonly result: string | undefined }
  | { readonly kind: 'continue'; readonly input: string };

export type LocalCommand = Extract<Command, { kind: 'local' }>;
export type ActivityCommand = Extract<Command, { kind: 'activity' }>;

/** What workflow code is told. */
export type Job =
  | { readonly kind: 'start' }
  | { readonly kind: 'signal'; readonly name: string }
  | { readonly kind: 'timer'; readonly seq: number }
  | { readonly kind: 'activity' | 'local'; readonly seq: number; readonly ending: Ending };

/** One workflow task that was accepted: what the code was told, one batch after the other, and what it asked for. */
export interface TaskRecord {
  readonly batches: ReadonlyArray<readonly Job[]>;
  readonly commands: readonly Command[];
  readonly historyLength: number;
}

const DAY_MS = 86_400_000;
const durations = new Map<unknown, number>();

function ms(duration: ActivityOptions['startToCloseTimeout'], otherwise: number): number {
  if (duration === undefined) return otherwise;
  const known = durations.get(duration);
  if (known !== undefined) return known;
  const read = msToNumber(duration);
  durations.set(duration, read);
  return read;
}

const compiled = new WeakMap<object, Retrying>();

/** Defaults as Temporal's (docs.temporal.io/encyclopedia/retry-policies). */
export function retryingOf(options: ActivityOptions | LocalActivityOptions): Retrying {
  const known = compiled.get(options);
  if (known !== undefined) return known;
  const { retry = {} } = options;
  const first_ms = ms(retry.initialInterval, 1_000);
  const scheduleToClose_ms = ms(options.scheduleToCloseTimeout, 365 * DAY_MS);
  const heartbeat = 'heartbeatTimeout' in options ? options.heartbeatTimeout : undefined;
  const retrying: Retrying = {
    startToClose_ms: ms(options.startToCloseTimeout, scheduleToClose_ms),
    scheduleToClose_ms,
    heartbeat_ms: heartbeat === undefined ? null : ms(heartbeat, DAY_MS),
    first_ms,
    coefficient: retry.backoffCoefficient ?? 2,
    last_ms: ms(retry.maximumInterval, first_ms * 100),
    attemptsMax: retry.maximumAttempts ?? Number.POSITIVE_INFINITY,
  };
  compiled.set(options, retrying);
  return retrying;
}

/** What an activity threw, as it crosses. */
export function failureFrom(error: unknown): Failure {
  if (error instanceof ApplicationFailure) {
    const { type, message, details, nonRetryable, nextRetryDelay } = error;
    return {
      kind: 'application',
      type: type ?? '',
      message,
      details: JSON.stringify(details ?? []),
      nonRetryable: nonRetryable === true,
      nextRetry_ms: nextRetryDelay == null ? null : msToNumber(nextRetryDelay),
    };
  }
  // As src/temporal/failureConverter lets only the class cross.
  const name = error instanceof Error ? error.name : typeof error;
  return {
    kind: 'application',
    type: name,
    message: name,
    details: '[]',
    nonRetryable: false,
    nextRetry_ms: null,
  };
}

export function errorFrom(failure: Failure): Error {
  switch (failure.kind) {
    case 'application':
      return ApplicationFailure.create({
        type: failure.type,
        message: failure.message,
        details: JSON.parse(failure.details) as unknown[],
        nonRetryable: failure.nonRetryable,
      });
    case 'timeout':
      return new TimeoutFailure('timed out', undefined, failure.type);
    case 'cancelled':
      return new CancelledFailure('cancelled');
  }
}

/** As the workflow gets it: an activity's last failure is wrapped, a local one's arrives bare. */
export function activityError(name: string, failure: Failure): Error {
  return new ActivityFailure(
    'Activity task failed',
    name,
    undefined,
    RetryState.MAXIMUM_ATTEMPTS_REACHED,
    undefined,
    errorFrom(failure),
  );
}

/** Until the next attempt, or null when this was the last one. */
export function nextAttempt_ms(
  retrying: Retrying,
  failure: Failure,
  attempt: number,
  elapsed_ms: number,
): number | null {
  if (failure.kind === 'cancelled' || attempt >= retrying.attemptsMax) return null;
  if (failure.kind === 'application' && failure.nonRetryable) return null;
  const own = failure.kind === 'application' ? failure.nextRetry_ms : null;
  const wait_ms =
    own ?? Math.min(retrying.first_ms * retrying.coefficient ** (attempt - 1), retrying.last_ms);
  return elapsed_ms + wait_ms > retrying.scheduleToClose_ms ? null : wait_ms;
}
