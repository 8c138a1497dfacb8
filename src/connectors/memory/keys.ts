import { failed, failureOf } from './failures';
import type { Answer } from '../../core/failure';

/** How long a key and its answer are remembered. */
const KEY_LIFE_MS = 24 * 60 * 60 * 1000;

interface Stored<T> {
  readonly params: string;
  readonly answer: Answer<T>;
  at: number;
}

export interface Keys<T> {
  /** Does the work once per key: within a day the same key gives the first answer again, marked, and refuses other params. */
  once(key: string, params: string, work: () => Answer<T>): Answer<T>;
  /** Remembers an answer of which the work knows nothing. */
  store(key: string, params: string, answer: Answer<T>): void;
  /** Time passes for what is remembered. */
  age(ms: number): void;
}

export function createKeys<T>(clock: () => number): Keys<T> {
  const stored = new Map<string, Stored<T>>();
  const keep = (key: string, params: string, answer: Answer<T>): void =>
    void stored.set(key, { params, answer, at: clock() });
  return {
    store: keep,
    age(ms) {
      for (const answer of stored.values()) answer.at -= ms;
    },
    once(key, params, work) {
      const known = stored.get(key);
      if (known === undefined || clock() - known.at >= KEY_LIFE_MS) {
        const answer = work();
        keep(key, params, answer);
        return answer;
      }
      if (known.params !== params) return failed(failureOf('bug', { code: 'key_reused', status: 400 }));
      const { answer } = known;
      return answer.kind === 'answered'
        ? { ...answer, replayed: true }
        : failed({ ...answer.failure, replayed: true, definite: true, unbegun: false });
    },
  };
}
