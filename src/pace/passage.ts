import type { Limits, Passage } from '../connectors/passage';
import type { Answer, RemoteFailure } from '../core/failure';
import type { ConnectionName } from '../core/ids';
import { createBreaker } from './breaker';
import type { BreakerPorts } from './breaker';
import { currentLane, currentLink } from './lane';
import { createLimiter } from './limiter';
import type { LimiterPorts } from './limiter';

export type PassagePorts = {
  readonly store: BreakerPorts['store'] & LimiterPorts['store'];
  readonly log: BreakerPorts['log'];
} & Pick<LimiterPorts, 'now' | 'sleep'>;

/** Code of a failure that no system answered: our own limiter had no slot soon enough. */
export const NO_SLOT = 'own_limit';

function noSlot(retryAfterMs: number): { kind: 'failed'; failure: RemoteFailure } {
  return {
    kind: 'failed',
    failure: {
      kind: 'rate-limited',
      code: NO_SLOT,
      param: null,
      status: null,
      requestId: null,
      retryAfterMs: Math.ceil(retryAfterMs),
      replayed: false,
      definite: false,
      unbegun: true,
    },
  };
}

/** The one way out of a connection: waits for its turn, sends, and tells limiter and breaker what came of it. */
export function createPassage(ports: PassagePorts, connection: ConnectionName, limits: Limits): Passage {
  const limiter = createLimiter(ports, connection, limits);
  const breaker = createBreaker(ports, connection);

  /** An answer is never lost because it could not be noted: a create may have taken effect. */
  async function note(endpoint: string, answer: Answer<unknown>): Promise<void> {
    try {
      await breaker.note(answer, currentLink());
      if (answer.kind !== 'failed' || answer.failure.kind !== 'rate-limited') return;
      const { code, retryAfterMs } = answer.failure;
      if (code !== null && limits.otherCodes.includes(code)) return;
      await limiter.tooFast(endpoint, retryAfterMs);
    } catch (error) {
      ports.log.warn({ err: error, connection }, 'what an answer says about the connection was not noted');
    }
  }

  return async (endpoint, request) => {
    const admission = await limiter.admit(endpoint, currentLane());
    if (admission.kind === 'refused') return noSlot(admission.retryAfterMs);
    const answer = await request();
    await note(endpoint, answer);
    return answer;
  };
}
