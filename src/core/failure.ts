/**
 * Why a call to a remote system did not give what was asked, in our words. A connector maps its vendor's errors to this
 * union in one file; `TREATMENT` below maps each kind to what a look does about it. Never holds a vendor's message:
 * those quote personal values (Stripe's 400 repeats the e-mail), and failures cross into Temporal's history.
 */
export type FailureKind =
  'rate-limited' | 'unavailable' | 'unauthorized' | 'rejected' | 'stale' | 'gone' | 'bug';

export interface RemoteFailure {
  readonly kind: FailureKind;
  /** The vendor's machine-readable code, e.g. `email_invalid`, `ECONNREFUSED`, `lock_timeout`; null when it gave none. */
  readonly code: string | null;
  /** Name of the offending parameter, never its value. */
  readonly param: string | null;
  /** HTTP status, or null when no answer came. */
  readonly status: number | null;
  /** The vendor's id of the request, for its support. */
  readonly requestId: string | null;
  /** How long the vendor asks us to stay away, milliseconds. */
  readonly retryAfterMs: number | null;
  /** True when the vendor marked the answer as the stored one of an earlier call with the same key. */
  readonly replayed: boolean;
  /**
   * True when this answer ends an intent: the mutation was refused for good (a definite 4xx) or its stored outcome was
   * replayed. False while the mutation may still take effect: no answer, a first 5xx, 409, 429.
   */
  readonly definite: boolean;
  /**
   * True when the system surely did not begin to carry the call out: no connection came about, or the key or the pace was
   * refused before. Then this one call has changed nothing, whatever becomes of the intent.
   */
  readonly unbegun: boolean;
}

/** What a look does with a failure once the few attempts inside one activity are used up. */
export type Treatment =
  /** try again inside the activity, then leave the row `waiting` with a later `due_at` */
  | 'retry'
  /** set the record aside with a reason a person can act on */
  | 'park'
  /** pause the whole connection: no other record will fare better */
  | 'pause'
  /** ask who owns the account before believing it */
  | 'verify-account';

export const TREATMENT: Record<FailureKind, { treatment: Treatment; story: string }> = {
  'rate-limited': {
    treatment: 'retry',
    story: 'too many requests or a lock: the same call is right a little later',
  },
  unavailable: {
    treatment: 'retry',
    story: 'no answer, or the system failed: nothing is known, the same key is repeated',
  },
  unauthorized: { treatment: 'pause', story: 'the key is not accepted: every other call would fail alike' },
  rejected: { treatment: 'park', story: 'the data is refused: only an edit heals it' },
  stale: {
    treatment: 'retry',
    story: 'the key is in use by our own earlier attempt: its answer comes shortly',
  },
  gone: {
    treatment: 'verify-account',
    story: 'not found usually means a wrong key, never by itself a deletion',
  },
  bug: {
    treatment: 'park',
    story: 'the call itself was wrong (key reused with other params): a person must look',
  },
};

/** The question itself is not taken: no other attempt would be told more, and the answer is no word about what was asked for. */
export const UNASKABLE: ReadonlySet<FailureKind> = new Set(['gone', 'rejected', 'bug']);

/** What came back from a remote call. */
export type Answer<T> =
  | {
      readonly kind: 'answered';
      readonly value: T;
      readonly requestId: string | null;
      readonly replayed: boolean;
    }
  | { readonly kind: 'failed'; readonly failure: RemoteFailure };
