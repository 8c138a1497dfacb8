import type { FailureKind, RemoteFailure } from '../../core/failure';

/** Kinds that say for good that nothing was changed; after all others the same call may still be right. */
const DEFINITE: ReadonlySet<FailureKind> = new Set(['rejected', 'gone', 'bug']);

/** This system has no words of its own for what goes wrong: it answers in the port's. */
export function failureOf(kind: FailureKind, more: Partial<RemoteFailure> = {}): RemoteFailure {
  return {
    kind,
    code: null,
    param: null,
    status: null,
    requestId: 'req_failed',
    retryAfterMs: null,
    replayed: false,
    definite: DEFINITE.has(kind),
    unbegun: kind === 'unauthorized',
    ...more,
  };
}

export function failed(failure: RemoteFailure): { kind: 'failed'; failure: RemoteFailure } {
  return { kind: 'failed', failure };
}
