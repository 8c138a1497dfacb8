/**
 * Faults on request (POST /_sim/faults, only with SIMULATOR_FAULTS=1). The table names them all; a new fault
 * is a row here and a case where its stage is applied. A fault waits for requests that match it, lets `after`
 * of them pass, then strikes `times` of them.
 */

import { z } from 'zod';
import type { EventTreatment } from './account';
import { HONEST } from './account';
import { RATE_LIMIT_REASONS } from './errors';

/** When a fault strikes: as the request arrives, while it executes, on the event it makes, or at once. */
export type Stage = 'arrival' | 'execution' | 'event' | 'at_once';

export const FAULTS = {
  reset: { stage: 'arrival', story: 'The connection is cut before anything is processed.' },
  hang: {
    stage: 'arrival',
    story: 'Nothing is processed and no answer ever comes; cut after delay_ms if given.',
  },
  slow: { stage: 'arrival', story: 'The request is processed, after delay_ms.' },
  refuse_503: { stage: 'arrival', story: '503, nothing processed, nothing stored under the key.' },
  rate_limited: { stage: 'arrival', story: '429 with a Stripe-Rate-Limited-Reason (field reason).' },
  lock_timeout: { stage: 'arrival', story: '429 with code lock_timeout and no reason header.' },
  unauthorized: { stage: 'arrival', story: '401, as for a revoked key.' },
  conflict_409: { stage: 'arrival', story: '409 idempotency_key_in_use.' },
  other_account: {
    stage: 'arrival',
    story: 'The key belongs to acct_other, which knows none of our objects.',
  },
  answer_lost: {
    stage: 'execution',
    story: 'Committed and stored under the key; the connection is cut instead of an answer.',
  },
  error_500: { stage: 'execution', story: 'Nothing committed; a 500 is stored under the key and replayed.' },
  error_500_committed: {
    stage: 'execution',
    story: 'Committed, yet a 500 is answered, stored and replayed.',
  },
  drop_events: { stage: 'event', story: 'The change makes no event at all.' },
  drop_deliveries: { stage: 'event', story: 'The event is listed, no endpoint is told.' },
  delay_events: {
    stage: 'event',
    story: 'The event surfaces delay_ms late, in lists and at endpoints, at its old place.',
  },
  double_events: { stage: 'event', story: 'Every endpoint is told twice.' },
  strip_request: { stage: 'event', story: 'The event has neither request nor previous_attributes.' },
  expire_keys: { stage: 'at_once', story: 'Every idempotency key is forgotten now.' },
} as const satisfies Record<string, { stage: Stage; story: string }>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS);

export const MAX_FAULTS = 1_000;
const MAX_DELAY_MS = 24 * 3_600_000;
const MAX_TIMES = 1_000_000;
const DEFAULT_DELAY_MS = 1_000;

const faultSchema = z.strictObject({
  name: z.custom<FaultName>((value) => typeof value === 'string' && Object.hasOwn(FAULTS, value), {
    error: `unknown name; known are: ${FAULT_NAMES.join(', ')}`,
  }),
  method: z.enum(['GET', 'POST', 'DELETE']).optional(),
  /** Exact, or with `:id` for one segment, or ending in `*`. */
  path: z.string().startsWith('/v1').max(500).optional(),
  /** null: until cleared */
  times: z.int().min(1).max(MAX_TIMES).nullable().default(1),
  after: z.int().min(0).max(MAX_TIMES).default(0),
  delay_ms: z.int().min(0).max(MAX_DELAY_MS).optional(),
  reason: z.enum(RATE_LIMIT_REASONS).optional(),
});
export const faultsSchema = z.strictObject({ faults: z.array(faultSchema).min(1).max(MAX_FAULTS) });

export type Fault = z.output<typeof faultSchema>;

export class FaultBoard {
  private faults: Fault[] = [];

  /** @returns false, and nothing is added, when more than 1,000 would be active */
  add(faults: Fault[]): boolean {
    const lasting = faults.filter((fault) => FAULTS[fault.name].stage !== 'at_once');
    if (this.faults.length + lasting.length > MAX_FAULTS) return false;
    this.faults.push(...lasting);
    return true;
  }

  active(): Fault[] {
    return this.faults;
  }

  clear(): void {
    this.faults = [];
  }

  /** The first fault of this stage that strikes this request, used up by one. */
  strike(stage: Stage, method: string, path: string): Fault | undefined {
    for (const fault of this.faults) {
      if (FAULTS[fault.name].stage !== stage || !matches(fault, method, path)) continue;
      if (fault.after > 0) {
        fault.after -= 1;
        continue;
      }
      this.useUp(fault);
      return fault;
    }
    return undefined;
  }

  /** What becomes of the event this request is about to make. Several faults may strike it. */
  treatment(method: string, path: string): EventTreatment {
    if (this.faults.length === 0) return HONEST;
    const treatment = { ...HONEST };
    for (const fault of this.faults.filter((each) => matches(each, method, path))) {
      if (FAULTS[fault.name].stage !== 'event') continue;
      if (fault.after > 0) {
        fault.after -= 1;
        continue;
      }
      this.useUp(fault);
      if (fault.name === 'drop_events') treatment.drop = true;
      if (fault.name === 'drop_deliveries') treatment.dropDelivery = true;
      if (fault.name === 'double_events') treatment.copies = 2;
      if (fault.name === 'strip_request') treatment.strip = true;
      if (fault.name === 'delay_events') treatment.delayMs = fault.delay_ms ?? DEFAULT_DELAY_MS;
    }
    return treatment;
  }

  private useUp(fault: Fault): void {
    if (fault.times === null) return;
    fault.times -= 1;
    if (fault.times === 0) this.faults = this.faults.filter((each) => each !== fault);
  }
}

function matches(fault: Fault, method: string, path: string): boolean {
  if (fault.method !== undefined && fault.method !== method) return false;
  if (fault.path === undefined) return true;
  if (fault.path.endsWith('*')) return path.startsWith(fault.path.slice(0, -1));
  const wanted = fault.path.split('/');
  const given = path.split('/');
  return wanted.length === given.length && wanted.every((part, i) => part === ':id' || part === given[i]);
}
