import type { Answer } from '../core/failure';
import type { ConnectionName } from '../core/ids';
import type { Store } from '../store/store';

export interface BreakerPorts {
  readonly store: { readonly breakers: Pick<Store['breakers'], 'open'> };
  readonly log: { warn(fields: object, message: string): void };
}

/**
 * So many calls in a row without an answer open the breaker. More would keep waiting what will not come; fewer, and one
 * object at which a system fails would close the way to all others for a second.
 */
export const UNAVAILABLE_IN_A_ROW = 5;

export interface Breaker {
  /** Told of every answer. */
  note(answer: Answer<unknown>): Promise<void>;
}

/** Whether nobody there answered. A stored failure that is given again is an answer, and so is "too many requests". */
function isSilence(answer: Answer<unknown>): boolean {
  return answer.kind === 'failed' && answer.failure.kind === 'unavailable' && !answer.failure.replayed;
}

/**
 * Counts in this process, so that an answer costs no statement; opens for all. It is closed by the watch alone, which asks
 * the system itself and not for one object.
 */
export function createBreaker({ store, log }: BreakerPorts, connection: ConnectionName): Breaker {
  let inARow = 0;
  return {
    async note(answer) {
      if (!isSilence(answer)) {
        inARow = 0;
        return;
      }
      inARow += 1;
      if (inARow % UNAVAILABLE_IN_A_ROW !== 0) return;
      const { code } = answer.kind === 'failed' ? answer.failure : { code: null };
      if (await store.breakers.open(connection, code)) {
        log.warn({ connection, code, calls: inARow }, 'the system does not answer: its connection is down');
      }
    },
  };
}
