import type { Answer } from '../core/failure';
import type { ConnectionName } from '../core/ids';
import type { Store } from '../store/store';

export interface BreakerPorts {
  readonly store: { readonly breakers: Pick<Store['breakers'], 'open'> };
  readonly log: { warn(fields: object, message: string): void };
}

/**
 * So many in a row without an answer open the breaker: records, each once however often it was tried, and calls about none. So
 * one object at which a system fails closes the way to no other; more would keep waiting what will not come.
 */
export const UNAVAILABLE_IN_A_ROW = 5;

export interface Breaker {
  /** Told of every answer, and of the link it was asked for; null for a call about no record. */
  note(answer: Answer<unknown>, linkId: number | null): Promise<void>;
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
  const links = new Set<number>();
  let others = 0;
  const beginAnew = (): void => {
    links.clear();
    others = 0;
  };
  return {
    async note(answer, linkId) {
      if (!isSilence(answer)) return beginAnew();
      if (linkId === null) others += 1;
      else links.add(linkId);
      const inARow = links.size + others;
      if (inARow < UNAVAILABLE_IN_A_ROW) return;
      beginAnew();
      const { code } = answer.kind === 'failed' ? answer.failure : { code: null };
      if (await store.breakers.open(connection, code)) {
        log.warn({ connection, code, calls: inARow }, 'the system does not answer: its connection is down');
      }
    },
  };
}
