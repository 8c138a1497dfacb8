/**
 * PACE. How fast a connection is called, by all processes together, and whether it answers at all: the limiter, the
 * breaker, and the watch that asks a silent system once a second and lets waiting records go on when it answers.
 * May touch: src/core, src/connectors (the port), src/connections; types of src/store. Touched by: src/bin.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** `bulk`: one of many that nobody waits for; it takes what live requests leave. */
export type Lane = 'live' | 'bulk';

const lanes = new AsyncLocalStorage<Lane>();

/** Everything sent in the course of `work` goes in this lane. */
export function inLane<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
  return lanes.run(lane, work);
}

/** The same step of a look; what it sends goes in the lane of its link. */
export function inLaneOf<Link extends { readonly bulk?: boolean }, Result>(
  step: (link: Link) => Promise<Result>,
): (link: Link) => Promise<Result> {
  return (link) => inLane(link.bulk === true ? 'bulk' : 'live', () => step(link));
}

/** Live unless said otherwise. */
export function currentLane(): Lane {
  return lanes.getStore() ?? 'live';
}
