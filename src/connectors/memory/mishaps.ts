import { failed } from './failures';
import type { Answer, RemoteFailure } from '../../core/failure';
import type { Fields } from '../../core/fields';
import type { RemoteId } from '../../core/ids';

export type Operation =
  'read' | 'list' | 'create' | 'update' | 'remove' | 'findCreated' | 'findAlike' | 'listEvents' | 'identify';

/** One call that was heard, whatever came of it. */
export interface MemoryCall {
  readonly operation: Operation;
  readonly remoteId: RemoteId | null;
  readonly key: string | null;
  readonly values: Fields | null;
  /** Whether it changed something there; a replayed answer does not. */
  applied: boolean;
}

/** One ordered mishap: it meets the next call of its operation. */
export interface Fault {
  readonly failure: RemoteFailure;
  /** `before` the call takes effect, or `after`: then only the answer is lost. */
  readonly when: 'before' | 'after';
  /** The system stores this failure under the call's key, and gives it again, marked. */
  readonly stored?: boolean;
}

export interface Held {
  /** Resolves when the call is there and has seen what it will answer. */
  readonly arrived: Promise<void>;
  release(): void;
}

/** What a test orders to go wrong on the way to the system and back. */
export interface Mishaps {
  readonly calls: MemoryCall[];
  /** While it is set every call meets it: the system is down, the credentials are refused, the limit is reached. */
  outage: RemoteFailure | null;
  fail(operation: Operation, fault: Fault): void;
  /** Runs `effect` while the next call of the operation is under way: done there, not yet answered. */
  during(operation: Operation, effect: () => Promise<void> | void): void;
  /** Stalls the next call of the operation after it has seen or done its part. */
  hold(operation: Operation): Held;
}

/** The way to the system and back, for one call. */
export type Wire = <T>(
  call: Omit<MemoryCall, 'applied'>,
  work: (noted: MemoryCall) => Answer<T>,
  /** Keeps a failure under the call's key. */
  store?: (failure: RemoteFailure) => void,
) => Promise<Answer<T>>;

export function createMishaps(): { readonly mishaps: Mishaps; readonly wire: Wire } {
  const faults = new Map<Operation, Fault[]>();
  const effects = new Map<Operation, Array<() => Promise<void> | void>>();

  const mishaps: Mishaps = {
    calls: [],
    outage: null,
    fail: (operation, fault) => void faults.set(operation, [...(faults.get(operation) ?? []), fault]),
    during: (operation, effect) => void effects.set(operation, [...(effects.get(operation) ?? []), effect]),
    hold(operation) {
      let release: (() => void) | null = null;
      const released = new Promise<void>((resolve) => (release = resolve));
      const arrived = new Promise<void>((arrive) => {
        mishaps.during(operation, () => {
          arrive();
          return released;
        });
      });
      return { arrived, release: () => release?.() };
    },
  };

  const wire: Wire = async (call, work, store) => {
    const noted: MemoryCall = { applied: false, ...call };
    mishaps.calls.push(noted);
    if (mishaps.outage !== null) return failed(mishaps.outage);
    const fault = faults.get(call.operation)?.shift();
    if (fault?.stored === true && store !== undefined) {
      if (fault.when === 'after') work(noted);
      store(fault.failure);
      return failed(fault.failure);
    }
    if (fault?.when === 'before') return failed(fault.failure);
    const answer = work(noted);
    await effects.get(call.operation)?.shift()?.();
    return fault === undefined ? answer : failed(fault.failure);
  };

  return { mishaps, wire };
}
