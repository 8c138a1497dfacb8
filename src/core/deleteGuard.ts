import type { Reason } from './reason';

/** `out`: deleted here, to be deleted there. `in`: deleted there, to be deleted here. */
export type DeleteDirection = 'out' | 'in';

/** How many deletions may pass at one connection, in one direction, before a person is asked. */
export interface DeleteGuard {
  /** Within the window, whatever the size of the catalog. */
  readonly count: number;
  /** Of the linked records, where that is more; 0: `count` alone. */
  readonly percent: number;
  readonly windowMs: number;
}

/**
 * A share of the linked records counts up to this many: at the 25 requests a second of a sandbox 15,000 objects can be
 * deleted in ten minutes, so that a larger share of a larger catalog would never be reached.
 */
const SHARE_MAX = 1_000;

/** The deletions that may pass within the window. @param linked how many records are linked at the connection */
export function deletionsAllowed({ count, percent }: DeleteGuard, linked: number): number {
  return Math.max(count, Math.min(Math.ceil((linked * percent) / 100), SHARE_MAX));
}

const DIRECTION_SAID = { out: 'going out', in: 'coming in' } as const satisfies Record<
  DeleteDirection,
  string
>;

/** Why a link is held; `detail` tells the direction. */
export function heldReason(direction: DeleteDirection): Reason {
  return { code: 'delete_burst', field: null, detail: DIRECTION_SAID[direction] };
}
