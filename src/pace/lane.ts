/**
 * PACE. How fast a connection is called, by all processes together, and whether it answers at all: the limiter, the
 * breaker, and the watch that asks a silent system once a second and lets waiting records go on when it answers.
 * May touch: src/core, src/connectors (the port), src/connections; types of src/store. Touched by: src/bin.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** `bulk`: one of many that nobody waits for; it takes what live requests leave. */
export type Lane = 'live' | 'bulk';

/** What is being sent, and for which link: null for what is about no record. */
interface Course {
  readonly lane: Lane;
  readonly linkId: number | null;
}

const courses = new AsyncLocalStorage<Course>();

/** Everything sent in the course of `work` goes in this lane. */
export function inLane<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
  return courses.run({ lane, linkId: null }, work);
}

/** The same step of a look; what it sends goes in the lane of its link, and is known to be about it. */
export function inLaneOf<Link extends { readonly linkId: number; readonly bulk?: boolean }, Result>(
  step: (link: Link) => Promise<Result>,
): (link: Link) => Promise<Result> {
  return (link) =>
    courses.run({ lane: link.bulk === true ? 'bulk' : 'live', linkId: link.linkId }, () => step(link));
}

/** Live unless said otherwise. */
export function currentLane(): Lane {
  return courses.getStore()?.lane ?? 'live';
}

/** The link that is being looked at; null for a poll, a sweep, or a question whose account it is. */
export function currentLink(): number | null {
  return courses.getStore()?.linkId ?? null;
}
