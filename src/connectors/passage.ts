/**
 * The way out of a connection. A connector sends every single request through the passage it was given and names the
 * endpoint; how fast, and what an answer says about the system's health, is not its concern.
 */
import type { Answer } from '../core/failure';

/** How many requests a second a system takes; null is no limit. */
export interface Limits {
  /** Of the whole account. */
  readonly perSecond: number | null;
  /** Of each endpoint by itself. */
  readonly perEndpoint: number | null;
  /** Codes of `rate-limited` failures that do not say that requests come too fast, e.g. an object that is locked. */
  readonly otherCodes: readonly string[];
}

export const NO_LIMITS: Limits = { perSecond: null, perEndpoint: null, otherCodes: [] };

/**
 * Lets one request out when it is its turn.
 * @param endpoint what the system counts by itself, in its own words, e.g. `customers.retrieve`
 * @returns its answer, or a `rate-limited` failure when its turn would come too late: then nothing was sent
 */
export type Passage = <T>(endpoint: string, request: () => Promise<Answer<T>>) => Promise<Answer<T>>;

/** For a connector that nobody gave a passage: everything at once. */
export const OPEN_PASSAGE: Passage = (_endpoint, request) => request();
