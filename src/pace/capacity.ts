import type { Limits } from '../connectors/passage';

/** A look takes a read, and most have something to send. */
const CALLS_PER_LOOK = 2;

/** Looks a second that the limits serve, as far as they go. */
function looksPerSecond({ perSecond, perEndpoint }: Limits): number {
  // the two calls of a look go to different endpoints
  return Math.min((perSecond ?? Infinity) / CALLS_PER_LOOK, perEndpoint ?? Infinity);
}

/** More than one machine looks at in a second on the embedded parts (30): the queue is never empty in between. */
const RELEASED_MAX_ROWS = 64;

/** Waiting records let go on in one second: as many as the limit serves. */
export function releasedMaxRows(limits: Limits): number {
  return Math.max(1, Math.min(RELEASED_MAX_ROWS, Math.floor(looksPerSecond(limits))));
}

/**
 * A burst waits in the queue and not as open looks: so many as are served in this time are rung at once, each of whose
 * calls then waits half as long, well below what the limiter refuses (`WAIT_MAX_MS`).
 */
const IN_FLIGHT_S = 3;
const IN_FLIGHT_MIN_ROWS = 8;
const IN_FLIGHT_MAX_ROWS = 192;

/**
 * Rows rung and not answered, at most, over all relays. A look tends all links of its record, so the narrowest limit counts.
 * The maximum is measured at 11 to 22 looks/s, 800 changes outward: 500 rows cost 7.4 actions a change, 192 the 6.0 of an
 * idle system.
 */
export function inFlightRows(all: readonly Limits[]): number {
  const looks = Math.min(Infinity, ...all.map(looksPerSecond));
  return Math.max(IN_FLIGHT_MIN_ROWS, Math.min(IN_FLIGHT_MAX_ROWS, Math.floor(looks * IN_FLIGHT_S)));
}
