/**
 * Idempotency keys of POST requests (https://docs.stripe.com/api/idempotent_requests): the first answer is
 * kept once execution has begun, and replayed. Bounded by age and by number.
 */

import { createHash } from 'node:crypto';
import { badRequest, keyInUse, keyReusedOnOtherEndpoint, keyReusedWithOtherParams } from './errors';
import type { Params } from './form';

export type StoredAnswer = { status: number; body: unknown; requestId: string };
export type StoredKey = {
  key: string;
  path: string;
  fingerprint: string;
  created: number;
  answer: StoredAnswer | null;
};

export const MAX_KEY_CHARS = 255;
const MAX_KEYS = 100_000;

/** @throws StripeError 400 for a key Stripe would refuse. An empty header is no key. */
export function readKey(header: string | undefined): string | null {
  if (header === undefined || header === '') return null;
  if (header.length > MAX_KEY_CHARS) {
    throw badRequest(
      `Idempotency keys are up to ${MAX_KEY_CHARS} characters long, this one has ${header.length}.`,
    );
  }
  return header;
}

export class IdempotencyKeys {
  private readonly keys = new Map<string, StoredKey>();

  constructor(private readonly maxAgeMs: number) {}

  get size(): number {
    return this.keys.size;
  }

  /**
   * @returns the answer to replay, or null when the key is free
   * @throws StripeError 409 while the first request runs, 400 idempotency_error for another request
   */
  find(key: string, path: string, params: Params, nowMs: number): StoredAnswer | null {
    this.prune(nowMs);
    const stored = this.keys.get(key);
    if (!stored) return null;
    if (stored.path !== path) throw keyReusedOnOtherEndpoint(key, stored.path, path);
    if (stored.fingerprint !== fingerprintOf(params)) throw keyReusedWithOtherParams(key);
    if (stored.answer === null) throw keyInUse(key);
    return stored.answer;
  }

  /** Takes a free key for a request about to execute. */
  claim(key: string, path: string, params: Params, nowMs: number): void {
    this.keys.set(key, { key, path, fingerprint: fingerprintOf(params), created: nowMs, answer: null });
  }

  /** @returns what was kept; undefined when the key was forgotten meanwhile (reset, expire_keys) */
  settle(key: string, answer: StoredAnswer): StoredKey | undefined {
    const stored = this.keys.get(key);
    if (!stored) return undefined;
    stored.answer = answer;
    return stored;
  }

  restore(stored: StoredKey): void {
    this.keys.set(stored.key, stored);
  }

  settled(): StoredKey[] {
    return [...this.keys.values()].filter((stored) => stored.answer !== null);
  }

  /** Every key is forgotten, as if a day had passed. A request under way keeps running, unremembered. */
  clear(): void {
    this.keys.clear();
  }

  private prune(nowMs: number): void {
    for (const [key, stored] of this.keys) {
      if (this.keys.size < MAX_KEYS && stored.created > nowMs - this.maxAgeMs) return;
      this.keys.delete(key);
    }
  }
}

/** Parameters compare by content, in whatever order they were sent. */
function fingerprintOf(params: Params): string {
  return createHash('sha256').update(canonical(params)).digest('base64');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(',')}}`;
}
