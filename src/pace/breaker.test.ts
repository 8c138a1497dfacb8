import type { Answer } from '../core/failure';
import { parseConnectionName, trusted } from '../core/ids';
import { createBreaker, UNAVAILABLE_IN_A_ROW } from './breaker';

const STRIPE = trusted(parseConnectionName('stripe'), 'connection name');
const ANSWER: Answer<null> = { kind: 'answered', value: null, requestId: null, replayed: false };
const SILENCE: Answer<null> = {
  kind: 'failed',
  failure: {
    kind: 'unavailable',
    code: 'server_error',
    param: null,
    status: 503,
    requestId: null,
    retryAfterMs: null,
    replayed: false,
    definite: false,
    unbegun: false,
  },
};
const FEWER = UNAVAILABLE_IN_A_ROW - 1;

function breaker() {
  let opened = 0;
  const open = async () => (opened += 1) > 0;
  const { note } = createBreaker({ store: { breakers: { open } }, log: { warn: () => undefined } }, STRIPE);
  const silent = async (links: ReadonlyArray<number | null>): Promise<void> => {
    for (const link of links) await note(SILENCE, link);
  };
  return { note, silent, opened: () => opened };
}

test('I15: a record that is tried a hundred times counts once', async () => {
  const { silent, opened } = breaker();
  await silent(Array.from({ length: 100 }, () => 7));
  expect(opened()).toBe(0);
  await silent([1, 2, 3, 7, 7]);
  expect(opened()).toBe(0);
  await silent([4]);
  expect(opened()).toBe(1);
});

test('calls about no record count each', async () => {
  const { silent, opened } = breaker();
  await silent(Array.from({ length: FEWER }, () => null));
  expect(opened()).toBe(0);
  await silent([7]);
  expect(opened()).toBe(1);
});

test('an answer, to whomever, begins the count anew, and so does an opening', async () => {
  const { note, silent, opened } = breaker();
  const some = Array.from({ length: FEWER }, (_, i) => i);
  await silent(some);
  await note(ANSWER, 99);
  await silent(some);
  expect(opened()).toBe(0);
  await silent([98]);
  await silent(some);
  expect(opened()).toBe(1);
});
