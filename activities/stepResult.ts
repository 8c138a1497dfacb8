import type { Reason } from '../src/core/reason';

/** What one step of a look came to. Ids, versions, field names and codes only: this stands in Temporal's history. */
export interface StepResult {
  /**
   * `examine`, `send` and `trace` go on with this link; `again` asks for a whole new look; `stale` means that a newer look has
   * taken over; the others end this link's part.
   */
  readonly next: 'examine' | 'send' | 'trace' | 'done' | 'again' | 'stale' | 'parked' | 'paused';
  /** The cell of the decision table and what was done, e.g. `edited/edited merge push:email`. */
  readonly what: string;
  readonly version: number | null;
  readonly direction: 'out' | 'in' | null;
  readonly reason: Reason | null;
  /** The vendor's request id, where a call was made. */
  readonly requestId: string | null;
  readonly remoteId: string | null;
}

export function stepResult(
  next: StepResult['next'],
  what: string,
  more: Partial<StepResult> = {},
): StepResult {
  return {
    next,
    what,
    version: null,
    direction: null,
    reason: null,
    requestId: null,
    remoteId: null,
    ...more,
  };
}

/** Nothing was written or sent: another attempt has the link now. */
export const STALE = stepResult('stale', 'a newer look has this link');
