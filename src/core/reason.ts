/**
 * Why a link is not in sync, in words an operator can act on. One enum, total: the API, the console, the CLI and the
 * runbook all read this table.
 */
export const REASONS = {
  conflict:
    'Both sides changed this field differently and the policy is to ask. Apply one of the two values.',
  rejected: 'The system refused the data. Edit the named field; the next edit is tried at once.',
  remote_missing:
    'The linked object was not found on the right account, and nothing proves a deletion. Restore it there, or delete the record here.',
  claims_record:
    'This object carries the mark of another record (copied metadata). Remove the mark in the system, then sync again.',
  unauthorized: 'The key was refused. Set a valid key, then resume the connection.',
  other_account:
    'The key belongs to another account or mode than this connection was set up with. Set the right key, then resume.',
  paused: 'The connection is paused by an operator. Resume it.',
  unavailable: 'The system does not answer. Nothing to do: it is tried again by itself.',
  rate_limited: 'The system asks us to slow down. Nothing to do: it is tried again by itself.',
  ping_pong:
    'The same field keeps being rewritten on both sides. Stop the automation that rewrites it, then sync again.',
  delete_burst:
    'Unusually many deletions in a short time. Check that they are meant, then resume the connection.',
  bug: 'A call was made that the system calls wrong. Report it with the request id.',
} as const;

export type ReasonCode = keyof typeof REASONS;

/** Why one link waits, is parked or paused. `since` is RFC 3339 UTC. */
export interface Reason {
  readonly code: ReasonCode;
  readonly field: string | null;
  /** The vendor's own code and request id where there is one, e.g. `email_invalid (req_…)`; never a value. */
  readonly detail: string | null;
}
