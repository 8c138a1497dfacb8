/** What the remotes of a simulation answer when something is wrong, as a connector would tell it. */
import { failureOf } from '../../../src/connectors/memory';
import type { Answer, RemoteFailure } from '../../../src/core/failure';
import type { Fault, Outage } from './plan';

export function failed(failure: RemoteFailure): Answer<never> {
  return { kind: 'failed', failure };
}

export const TIMED_OUT = failureOf('unavailable', { code: 'ETIMEDOUT', requestId: null });
export const RESET = failureOf('unavailable', { code: 'ECONNRESET', requestId: null });
const REFUSED = failureOf('unavailable', { code: 'ECONNREFUSED', requestId: null, unbegun: true });
const SERVER_ERROR = failureOf('unavailable', { code: 'api_error', status: 500 });
const GATEWAY = failureOf('unavailable', { code: 'gateway', status: 504, requestId: null });
const IN_USE = failureOf('stale', { code: 'idempotency_key_in_use', status: 409 });
const LOCKED = failureOf('rate-limited', { code: 'lock_timeout', status: 429 });
const TOO_MANY = failureOf('rate-limited', { code: 'rate_limit', status: 429, unbegun: true });
const UNAUTHORIZED = failureOf('unauthorized', { code: 'api_key_expired', status: 401 });
const NOT_FOUND = failureOf('gone', { code: 'not_found', status: 404 });

/** Whether the call may have taken effect, for all that its caller knows. */
export function leavesInDoubt(failure: RemoteFailure): boolean {
  return failure.kind === 'unavailable' && failure !== REFUSED;
}

/** What the caller sees of a fault that is answered at all. */
export const FAILURE_OF: Record<Exclude<Fault, 'answer lost' | 'never arrives' | 'hangs'>, RemoteFailure> = {
  'late commit': GATEWAY,
  'stored 500 before': SERVER_ERROR,
  'stored 500 after': SERVER_ERROR,
  'plain 500': SERVER_ERROR,
  '409': IN_USE,
  '429': TOO_MANY,
  lock_timeout: LOCKED,
};

/**
 * Another account's credentials find nothing of ours. What they would make there, or list, is not ours either: such calls
 * get no answer here, because a process asks for the account before it sends its first call.
 */
export function outageFailure(how: Exclude<Outage, 'hangs'>, isByIdOfObject: boolean): RemoteFailure {
  if (how === 'silent') return REFUSED;
  if (how === 'unauthorized') return UNAUTHORIZED;
  if (how === '429') return TOO_MANY;
  return isByIdOfObject ? NOT_FOUND : REFUSED;
}
