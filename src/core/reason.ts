/**
 * Why a link is not in sync, in words an operator can act on. One enum, total: the API, the console, the CLI and the
 * runbook all read this table. `message` says what is the matter, `action` what a person does about it.
 */
export const REASONS = {
  conflict: {
    message: 'Both sides changed this field differently and the policy is to ask.',
    action: 'Apply one of the two values.',
  },
  rejected: {
    message: 'The system refused the data.',
    action: 'Edit the named field; the next edit is tried at once.',
  },
  remote_missing: {
    message: 'The linked object was not found on the right account, and nothing proves a deletion.',
    action:
      'Restore it there, then sync again; or delete it here: what was never pulled is then ignored for ever.',
  },
  remote_standing: {
    message: 'Its deletion was confirmed, and yet the object stands in the system.',
    action: 'Restore the record, and the object is taken up again; or delete the object in the system.',
  },
  claims_record: {
    message: 'This object carries the mark of another record (copied metadata).',
    action: 'Remove the mark in the system, then sync again.',
  },
  unauthorized: {
    message: 'The key was refused, or it lacks a right.',
    action:
      'Give the key the right that the detail names; or set a valid key and restart api and worker. Then resume.',
  },
  other_account: {
    message: 'The key belongs to another account or mode than this connection was set up with.',
    action: 'Set the right key, restart api and worker, then resume the connection.',
  },
  paused: {
    message: 'The connection is paused by an operator.',
    action: 'Resume the connection.',
  },
  recovering: {
    message: 'The database was restored from a backup: nothing is sent until a sweep has read everything.',
    action: 'Nothing to do: it goes on by itself when the sweep is done.',
  },
  not_configured: {
    message: 'The settings do not name this connection any more.',
    action: 'Nothing is sent to it. Configure it again where it shall go on.',
  },
  unavailable: {
    message: 'The system does not answer.',
    action: 'Nothing to do: it is tried again by itself.',
  },
  rate_limited: {
    message: 'The requests that may be sent in this time are used up, or the system asks us to slow down.',
    action: 'Nothing to do: it is tried again by itself.',
  },
  ping_pong: {
    message: 'The same field keeps being rewritten on both sides.',
    action: 'Stop the automation that rewrites it, then sync again.',
  },
  delete_burst: {
    message:
      'Unusually many deletions in a short time, or one from before a restored backup whose object was edited since.',
    action:
      'Check that they are meant, then allow them (counterpart allow-deletes); or restore the records that shall stay.',
  },
  refused_here: {
    message: 'A rule of our own database refused what the system has.',
    action: 'Change the value in the system, or the rule here, then sync again.',
  },
  restless: {
    message: 'Look after look finds something new to do there, and none comes to rest.',
    action:
      'See in its timeline what keeps changing and stop that, then sync again; an edit is tried at once, too.',
  },
  internal: {
    message: 'The look failed on our own side.',
    action: 'It is tried again by itself; the log of the worker names the error.',
  },
  bug: {
    message: 'A call was made that the system calls wrong.',
    action: 'Report it with the request id.',
  },
} as const satisfies Record<string, { message: string; action: string }>;

export type ReasonCode = keyof typeof REASONS;

export const REASON_CODES = Object.keys(REASONS) as [ReasonCode, ...ReasonCode[]];

/** Why one link waits, is parked or paused. `since` is RFC 3339 UTC. */
export interface Reason {
  readonly code: ReasonCode;
  readonly field: string | null;
  /** The vendor's own code and request id where there is one, e.g. `email_invalid (req_…)`; never a value. */
  readonly detail: string | null;
}
