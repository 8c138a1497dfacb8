/** The one place where our failures become Temporal's. Nothing of a vendor's or a driver's message crosses. */
import { ApplicationFailure } from '@temporalio/common';
import type { ApplicationFailureOptions } from '@temporalio/common';
import { ABSENCE_APART_S } from '../src/core/absence';
import type { RemoteFailure } from '../src/core/failure';
import { TREATMENT } from '../src/core/failure';
import type { Reason, ReasonCode } from '../src/core/reason';

/** Failure type of a remote call that is worth another attempt; its one detail is a `Reason`. */
export const REMOTE_TROUBLE = 'RemoteTrouble';
/** Failure type of anything that went wrong on our own side, e.g. Postgres is away. */
const OWN_TROUBLE = 'OwnTrouble';

/** A vendor may ask us to wait for hours; a look waits this long at most and is then left for later. */
const RETRY_AFTER_MAX_MS = 20_000;

const REASON_OF: Record<RemoteFailure['kind'], ReasonCode> = {
  'rate-limited': 'rate_limited',
  unavailable: 'unavailable',
  unauthorized: 'unauthorized',
  rejected: 'rejected',
  stale: 'unavailable',
  gone: 'remote_missing',
  bug: 'bug',
};

/** Code, parameter and request id, e.g. `email_invalid (req_1)`. */
export function reasonOf(failure: RemoteFailure): Reason {
  const request = failure.requestId === null ? '' : ` (${failure.requestId})`;
  const code = failure.code ?? (failure.status === null ? 'no answer' : `HTTP ${failure.status}`);
  return { code: REASON_OF[failure.kind], field: failure.param, detail: `${code}${request}` };
}

/** The system took the call and kept nothing of these fields: a person must see that the sides differ. */
export function droppedReason(fields: readonly string[]): Reason {
  return { code: 'rejected', field: fields.join(','), detail: 'accepted the call, kept no value' };
}

/** For failures whose treatment is `retry`: thrown, so that Temporal repeats the activity a few times. */
export function remoteTrouble(connection: string, failure: RemoteFailure): ApplicationFailure {
  const reason = reasonOf(failure);
  return ApplicationFailure.create({
    type: REMOTE_TROUBLE,
    message: `${connection}: ${reason.code}, ${reason.detail}; ${TREATMENT[failure.kind].story}`,
    details: [reason],
    ...(failure.retryAfterMs === null
      ? {}
      : { nextRetryDelay: Math.min(failure.retryAfterMs, RETRY_AFTER_MAX_MS) }),
  });
}

/** Nothing was asked of the system, or it told nothing yet: its part of the look is left `unavailable`. */
function unavailable(
  connection: string,
  detail: string,
  more: Pick<ApplicationFailureOptions, 'nextRetryDelay' | 'nonRetryable'> = {},
): ApplicationFailure {
  const reason: Reason = { code: 'unavailable', field: null, detail };
  return ApplicationFailure.create({
    type: REMOTE_TROUBLE,
    message: `${connection}: ${detail}`,
    details: [reason],
    ...more,
  });
}

/** The system has not told yet whose account this is, usually because it does not answer. */
export function notIdentified(connection: string): ApplicationFailure {
  return unavailable(connection, 'the account is not checked yet');
}

/** After the first empty reading: the second one counts a little after the two are far enough apart. */
const SECOND_READING_MS = (ABSENCE_APART_S + 1) * 1_000;

export function absenceUnproven(connection: string): ApplicationFailure {
  return unavailable(connection, 'not found yet; looked for once more', {
    nextRetryDelay: SECOND_READING_MS,
  });
}

/** So many were made in these hours that the search is not at its end. It goes on where it is. */
export function stillSearching(connection: string): ApplicationFailure {
  return unavailable(connection, 'still looking for what was made');
}

/** The breaker is open: no further attempt is made in this look. */
export function connectionDown(connection: string): ApplicationFailure {
  return unavailable(connection, 'the connection is down', { nonRetryable: true });
}

/**
 * Codes by which our own database refuses data for good: data exceptions (22…), integrity constraints (23…) and a
 * product's trigger that raises (P0001) (postgresql.org/docs/current/errcodes-appendix.html).
 * @returns the reason, naming the rule and never the value; null for any other error
 */
export function refusedHere(error: unknown): Reason | null {
  const code = codeOf(error);
  if (!/^(22|23)[0-9A-Z]{3}$|^P0001$/.test(code)) return null;
  const { table, constraint } = error as { table?: unknown; constraint?: unknown };
  // a race for a link or an intent is ours to repeat
  if (table === 'links' || table === 'intents') return null;
  return { code: 'refused_here', field: null, detail: typeof constraint === 'string' ? constraint : code };
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/**
 * What Temporal may see of an unexpected error: its class and code. A Postgres message quotes values (`Key (email)=…`),
 * so neither message nor stack crosses; both go to the log of this process.
 */
export function ownTrouble(error: unknown): ApplicationFailure {
  const name = error instanceof Error ? error.name : typeof error;
  return ApplicationFailure.create({
    type: OWN_TROUBLE,
    message: `${name} ${codeOf(error)}`.trim() + '; the log of the worker has the rest',
    details: [{ code: 'internal', field: null, detail: codeOf(error) || name } satisfies Reason],
  });
}
